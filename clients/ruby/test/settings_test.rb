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
      secrets: [SECRET, SECRET.reverse], clock_leeway: 0.5, max_staleness: 6, on_stale: :refuse,
      issuer: "https://a.example", allowed_origins: ["https://b.example"]
    )
    assert_equal [SECRET, SECRET.reverse], settings.secrets
    assert_equal [0.5, 6, "refuse"], [settings.clock_leeway, settings.max_staleness, settings.on_stale]
    assert_equal ["https://a.example", "http://localhost:3000", "https://b.example"], settings.allowed_origins
    assert_raises(KeyError) { Goptri::Settings.new({}, isuer: "x") }
  end

  def test_an_empty_variable_counts_as_not_set
    names = Goptri::Settings::OPTIONS.values + %w[ACCESS_TOKEN_SECRET_FILE FEED_SECRET_FILE]
    settings = Goptri::Settings.new(names.to_h { |name| [name, ""] }.merge(ENVIRONMENT))
    Goptri::Settings::OPTIONS.each_key do |name|
      expected = settings().public_send(name)
      expected.nil? ? assert_nil(settings.public_send(name)) : assert_equal(expected, settings.public_send(name))
    end
    refute settings.secret_files?
    Tempfile.create do |file|
      File.write(file.path, SECRET)
      assert_equal [SECRET], settings(ACCESS_TOKEN_SECRET: "", ACCESS_TOKEN_SECRET_FILE: file.path).secrets
    end
    assert_raises(Goptri::SettingsError) { Goptri::Settings.new(ENVIRONMENT, feed_secret: "") }
  end

  def test_every_invalid_variable_is_reported
    {
      { ISSUER: "http://a.example" } => "ISSUER is \"http://a.example\"; plain http is for localhost only",
      { ISSUER: "https://a.example/" } => "no slash at its end",
      { ISSUER: "a.example" } => "it starts with https://",
      { ISSUER: "https://me:pw@a.example" } => "ISSUER is a URL with a user",
      { AUDIENCE: "http://localhost:4000" } => "AUDIENCE is the same as ISSUER",
      { AUDIENCE: "a b" } => "AUDIENCE is \"a b\"",
      { ACCESS_TOKEN_SECRET: "" } => "ACCESS_TOKEN_SECRET is not set",
      { ACCESS_TOKEN_SECRET: "#{SECRET}," } => "ACCESS_TOKEN_SECRET is 0 bytes long",
      { ACCESS_TOKEN_SECRET: SECRET[1..] } => "is 31 bytes long",
      { ACCESS_TOKEN_SECRET: "#{SECRET}\n" } => "white space",
      { ACCESS_TOKEN_SECRET: "ab" * 20 } => "repeats",
      { ACCESS_TOKEN_SECRET: "changeme" * 5 } => "well-known",
      { ACCESS_TOKEN_SECRET: "\xff#{SECRET}" } => "UTF-8",
      { ACCESS_TOKEN_SECRET: "#{SECRET},#{SECRET}" } => "the same secret twice",
      { ACCESS_TOKEN_SECRET_FILE: "/nowhere" } => "ACCESS_TOKEN_SECRET_FILE are both set",
      { FEED_SECRET: SECRET } => "FEED_SECRET is identical to ACCESS_TOKEN_SECRET",
      { FEED_SECRET_FILE: "/nowhere/at/all" } => "FEED_SECRET_FILE names a file that cannot be read: ENOENT",
      { AUTH_SERVER_URL: "http://a.example" } => "plain http is for private networks only",
      { AUTH_SERVER_CA_FILE: __FILE__ } => "has no certificates in PEM",
      { CLOCK_LEEWAY: "30" } => "CLOCK_LEEWAY is \"30\"; a duration",
      { CLOCK_LEEWAY: "6m" } => "is more than 5m",
      { REVOCATION_MAX_STALENESS: "5s" } => "must be longer than 5s",
      { ON_STALE: "panic" } => "it is either allow or refuse",
      { SESSION_COOKIE_NAME: "a b" } => "a name has 1 to 64",
      { SESSION_COOKIE_NAME: "refresh" } => "the cookie of the refresh token",
      { SESSION_COOKIE_DOMAIN: "example.com" } => "needs an https ISSUER",
      { CORS_ORIGINS: "https://a.example/" } => "CORS_ORIGINS contains",
      { CORS_ORIGINS: "http://a.example" } => "CORS_ORIGINS contains",
      { CORS_ORIGINS: "https://a.example," } => "CORS_ORIGINS contains",
      { CORS_ORIGINS: "*" } => "CORS_ORIGINS contains"
    }.each { |variables, problem| assert_includes error(**variables), problem }
    both = error(ON_STALE: "x", CLOCK_LEEWAY: "y")
    assert_equal 3, both.lines.size, both
    assert_includes assert_raises(Goptri::SettingsError) { Goptri::Settings.new({}) }.message, "nor is AUTH_SERVER_URL"
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
    refute_empty error(**shared, SESSION_COOKIE_NAME: "__Host-app")
    ["example.org", "ample.com", "com", ".example.com", "a.login.example.com", "127.0.0.1"].each do |domain|
      refute_empty error(**https, SESSION_COOKIE_DOMAIN: domain), domain
    end
  end

  def test_a_final_line_ending_of_a_file_is_ignored
    Tempfile.create do |file|
      { "#{SECRET}\n" => "", "#{SECRET}\r\n" => "", "#{SECRET}\n\n" => "white space", "" => "is empty",
        "\ufeff#{SECRET}" => "byte order mark" }.each do |content, problem|
        File.write(file.path, content)
        found = error(FEED_SECRET_FILE: file.path, ACCESS_TOKEN_SECRET: SECRET.reverse)
        problem.empty? ? assert_empty(found) : assert_includes(found, "FEED_SECRET_FILE")
        assert_includes found, problem
      end
    end
  end
end
