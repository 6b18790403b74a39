# frozen_string_literal: true

require "test_helper"

class SettingsTest < Minitest::Test
  ENVIRONMENT = { "ACCESS_TOKEN_SECRET" => SECRET }.freeze

  def settings(**more)
    Goptri::Settings.new(ENVIRONMENT.merge(more.transform_keys(&:to_s)))
  end

  def error(**more)
    settings(**more)
    ""
  rescue Goptri::SettingsError => e
    assert_no_secret e.message
    e.message
  end

  def test_the_defaults_are_those_of_api_server
    settings = settings()
    assert_equal ["http://localhost:4000", "http://localhost:3000"], [settings.issuer, settings.audience]
    assert_equal [30, 60, "allow"], [settings.clock_leeway, settings.max_staleness, settings.on_stale]
    assert_equal ["http://localhost:4000", "session"], [settings.auth_server_url, settings.session_cookie_name]
    assert_equal ["http://localhost:4000", "http://localhost:3000"], settings.allowed_origins
    assert_equal [[SECRET], nil], [settings.secrets, settings.feed_secret]
  end

  def test_options_replace_variables
    settings = Goptri::Settings.new(
      { "ACCESS_TOKEN_SECRET_FILE" => "/nowhere", "CLOCK_LEEWAY" => "soon" },
      secrets: [SECRET, SECRET.reverse], clock_leeway: "5m", max_staleness: "6s", on_stale: "refuse",
      issuer: "https://a.example", allowed_origins: ["https://b.example"]
    )
    assert_equal [SECRET, SECRET.reverse], settings.secrets
    assert_equal [300, 6, "refuse"], [settings.clock_leeway, settings.max_staleness, settings.on_stale]
    assert_equal ["https://a.example", "http://localhost:3000", "https://b.example"], settings.allowed_origins
    assert_raises(KeyError) { Goptri::Settings.new(ENVIRONMENT, isuer: "x") }
  end

  def test_an_empty_variable_counts_as_not_set
    names = Goptri::Settings::OPTIONS.values + %w[ACCESS_TOKEN_SECRET_FILE FEED_SECRET_FILE]
    settings = Goptri::Settings.new(names.to_h { |name| [name, ""] }.merge(ENVIRONMENT))
    Goptri::Settings::OPTIONS.each_key do |name|
      expected = settings().public_send(name)
      expected.nil? ? assert_nil(settings.public_send(name)) : assert_equal(expected, settings.public_send(name))
    end
    Tempfile.create do |file|
      File.write(file.path, SECRET)
      assert_equal [SECRET], settings(ACCESS_TOKEN_SECRET: "", ACCESS_TOKEN_SECRET_FILE: file.path).secrets
    end
    assert_raises(Goptri::SettingsError) { Goptri::Settings.new(ENVIRONMENT, feed_secret: "") }
  end

  def test_every_invalid_variable_is_reported
    [
      { ISSUER: "http://a.example" }, { ISSUER: "https://a.example/" }, { ISSUER: "a.example" },
      { ISSUER: "https://me:pw@a.example" }, { ISSUER: "https://a.example?x" },
      { ISSUER: "http://localhost.a.example" },
      { AUDIENCE: "a b" }, { AUDIENCE: "http://localhost:4000" },
      { ACCESS_TOKEN_SECRET: "#{SECRET}," }, { ACCESS_TOKEN_SECRET: SECRET[1..] },
      { ACCESS_TOKEN_SECRET: "#{SECRET}\n" }, { FEED_SECRET: "short" },
      { FEED_SECRET: SECRET }, { FEED_SECRET: "#{SECRET.reverse},#{SECRET}" },
      { ACCESS_TOKEN_SECRET: "\xff#{SECRET}" }, { AUDIENCE: "\xff" },
      { ACCESS_TOKEN_SECRET_FILE: "/nowhere" }, { FEED_SECRET_FILE: "/nowhere/at/all" },
      { AUTH_SERVER_URL: "http://a.example" }, { AUTH_SERVER_CA_FILE: "/nowhere" },
      { CLOCK_LEEWAY: "30" }, { CLOCK_LEEWAY: "6m" }, { REVOCATION_MAX_STALENESS: "5s" },
      { REVOCATION_MAX_STALENESS: "soon" }, { ON_STALE: "panic" },
      { SESSION_COOKIE_NAME: "a b" }, { SESSION_COOKIE_NAME: "refresh" }, { SESSION_COOKIE_DOMAIN: "127.0.0.1" },
      { CORS_ORIGINS: "https://a.example/" }, { CORS_ORIGINS: "http://a.example" },
      { CORS_ORIGINS: "https://a.example," }, { CORS_ORIGINS: "*" }
    ].each { |variables| assert_includes error(**variables), variables.keys.first.to_s, variables }
    both = error(ON_STALE: "x", CLOCK_LEEWAY: "y")
    assert_equal 3, both.lines.size, both
    neither = assert_raises(Goptri::SettingsError) { Goptri::Settings.new({}) }
    assert_includes neither.message, "ACCESS_TOKEN_SECRET or AUTH_SERVER_URL"
    assert_empty Goptri::Settings.new({ "AUTH_SERVER_URL" => "https://a.example" }).secrets
  end

  def test_auth_server_is_reached_over_tls_or_on_a_private_network
    %w[https://a.example/auth http://localhost:4000 http://127.0.0.1 http://[::1]:4000 http://auth-server:4000
       http://10.1.2.3 http://[fd00::1]:4000 http://auth.svc.cluster.local http://auth.internal].each do |url|
      assert_equal "", error(AUTH_SERVER_URL: url)
    end
    %w[http://8.8.8.8 http://172.32.0.1 http://auth-server/ ftp://auth-server auth-server http://a?x].each do |url|
      refute_empty error(AUTH_SERVER_URL: url), url
    end
  end

  def test_the_prefix_of_the_cookie_follows_from_issuer_and_domain
    https = { ISSUER: "https://login.example.com" }
    assert_equal "__Host-session", settings(**https).session_cookie_name
    assert_equal "__Host-app", settings(**https, SESSION_COOKIE_NAME: "__Host-app").session_cookie_name
    shared = { **https, SESSION_COOKIE_DOMAIN: "example.com" }
    assert_equal "__Secure-app", settings(**shared, SESSION_COOKIE_NAME: "app").session_cookie_name
    ["com", ".example.com", "127.0.0.1"].each do |domain|
      refute_empty error(**https, SESSION_COOKIE_DOMAIN: domain), domain
    end
  end

  def test_a_final_line_ending_of_a_file_is_ignored
    Tempfile.create do |file|
      { "#{SECRET}\n" => "", "#{SECRET}\r\n" => "", "#{SECRET}\n\n" => "at least 32 bytes",
        "" => "at least 32 bytes" }.each do |content, problem|
        File.write(file.path, content)
        found = error(FEED_SECRET_FILE: file.path, ACCESS_TOKEN_SECRET: SECRET.reverse)
        problem.empty? ? assert_empty(found) : assert_includes(found, "FEED_SECRET")
        assert_includes found, problem
      end
    end
  end
end
