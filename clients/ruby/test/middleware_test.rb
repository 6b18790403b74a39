# frozen_string_literal: true

require "test_helper"
require "rack/lint"
require "rack/mock"

class MiddlewareTest < Minitest::Test
  INVALID = { "error" => "invalid_token",
              "error_description" => "The token is malformed, expired, revoked or for another service." }.freeze

  # A service whose route needs the scope orders:read.
  def call(method = "GET", env = {}, required: true, guard: @guard ||= guard(), scope: nil)
    app = lambda do |request|
      authentication = request["goptri.authentication"]
      caller = scope ? authentication.authenticate!(scope: scope) : authentication.caller
      raise "not the same caller" unless caller.equal?(request["goptri.caller"])

      body = request["REQUEST_METHOD"] == "HEAD" ? [] : [caller&.subject.to_s]
      [200, { "Content-Type" => "text/plain", "Vary" => "Accept" }, body]
    end
    app = Rack::Lint.new(Goptri::Middleware.new(Rack::Lint.new(app), guard, required: required))
    Rack::MockRequest.new(app).request(method, "/", env)
  end

  def bearer(token = sign)
    { "HTTP_AUTHORIZATION" => "Bearer #{token}" }
  end

  def base64(bytes)
    [bytes].pack("m0")
  end

  def cookie(content = { jwt: sign }, name = "__Host-session")
    { "HTTP_COOKIE" => "a=b; #{name}=#{base64(JSON.generate(content))}" }
  end

  def assert_error(status, code, response, challenge = nil)
    found = JSON.parse(response.body)["error"]
    assert_equal [status, code, challenge], [response.status, found, response["WWW-Authenticate"]]
    assert_equal "application/json", response["Content-Type"]
  end

  def test_a_valid_token_is_accepted
    ["Bearer #{sign}", "bEARER   #{sign}  "].each do |value|
      response = call("POST", { "HTTP_AUTHORIZATION" => value })
      assert_equal [200, "user-1", "Accept"], [response.status, response.body, response["Vary"]]
    end
  end

  def test_a_request_without_a_token_gets_401
    response = call
    assert_error 401, "missing_token", response, "Bearer"
    assert_equal "Sec-Fetch-Site, Origin, Cookie", response["Vary"]
    ["", "Basic YTpi", "Bearera", "Digest x"].each do |value|
      assert_error 401, "missing_token", call("GET", cookie.merge("HTTP_AUTHORIZATION" => value)), "Bearer"
    end
    assert_equal [401, ""], [call("HEAD").status, call("HEAD").body]
    assert_error 401, "missing_token", call("GET", { "QUERY_STRING" => "access_token=#{sign}" }), "Bearer"
  end

  def test_an_invalid_token_gets_the_same_response_for_every_reason
    [sign(claims(exp: NOW - 60, iat: NOW - 90)), sign(claims(aud: "x")), "", "\xff".b, "a b"].each do |token|
      response = call("GET", bearer(token))
      assert_error 401, "invalid_token", response, 'Bearer error="invalid_token"'
      assert_equal INVALID, JSON.parse(response.body)
    end
    assert_includes log.string, "request rejected: expired"
    refute_includes log.string, sign.rpartition(".").last
  end

  def test_spaces_in_a_long_header_cost_no_time
    spaces = " " * 1_000_000
    value = cookie["HTTP_COOKIE"].split("=", 3).last
    { { "HTTP_AUTHORIZATION" => "Bearer a#{spaces}b" } => 401,
      { "HTTP_AUTHORIZATION" => "#{spaces}Bearer #{sign}" } => 200,
      bearer("#{sign}#{" " * 7000}") => 200, bearer("#{sign}#{spaces}") => 200,
      { "HTTP_COOKIE" => "a#{spaces}b; __Host-session=#{value}" } => 200,
      { "HTTP_COOKIE" => "#{spaces}__Host-session=#{value}#{spaces}" } => 200,
      { "HTTP_COOKIE" => "__Host-session=a#{spaces}b" } => 401 }.each do |env, status|
      Timeout.timeout(2) { assert_equal status, call("GET", env).status }
    end
  end

  def test_after_an_exception_the_token_is_verified_again
    [[sign, 200], ["x", 401], [nil, 401]].each do |token, status|
      guard = guard()
      calls = 0
      settings, verifies = guard.method(:settings), guard.method(:verify)
      fail_once = ->(method, *args) { (calls += 1) == 1 ? raise("timeout") : method.(*args) }
      guard.define_singleton_method(:settings) { fail_once.(settings) }
      guard.define_singleton_method(:verify) { |text| fail_once.(verifies, text) }
      app = lambda do |env|
        assert_raises(RuntimeError) { env["goptri.authentication"].authenticate! }
        [200, {}, [env["goptri.authentication"].authenticate!.subject]]
      end
      middleware = Goptri::Middleware.new(app, guard, required: false)
      assert_equal status, Rack::MockRequest.new(middleware).get("/", token ? bearer(token) : {}).status
    end
  end

  def test_two_authorization_headers_get_400
    token = "Bearer #{sign}"
    ["#{token}, #{token}", "Basic YTpi, #{token}", "#{token},", ", ", ",Bearer x"].each do |value|
      [true, false].each do |required|
        assert_error 400, "invalid_request", call("GET", { "HTTP_AUTHORIZATION" => value }, required: required)
      end
    end
  end

  def test_a_scope_is_required_of_a_valid_token
    assert_equal 200, call("GET", bearer, scope: "orders:read").status
    assert_error 403, "insufficient_scope", call("GET", bearer, scope: "orders:write"),
                 'Bearer error="insufficient_scope", scope="orders:write"'
    assert_error 401, "missing_token", call("GET", {}, scope: "orders:read", required: false), "Bearer"
  end

  def test_an_optional_token_may_be_missing_or_invalid
    [{}, bearer("x"), { "HTTP_AUTHORIZATION" => "Basic YTpi" }].each do |env|
      response = call("GET", env, required: false)
      assert_equal [200, ""], [response.status, response.body]
    end
    assert_equal "user-1", call("GET", bearer, required: false).body
    app = ->(env) { [200, {}, [env["goptri.caller"].inspect]] }
    response = Rack::MockRequest.new(Goptri::Middleware.new(app, guard, required: false))
                                .get("/", bearer("a,b").merge("goptri.caller" => "forged"))
    assert_equal [200, "nil", nil], [response.status, response.body, response["Vary"]]
  end

  def test_the_session_cookie_is_accepted_and_its_response_is_private
    response = call("GET", cookie)
    assert_equal [200, "user-1", "private, no-store"], [response.status, response.body, response["Cache-Control"]]
    assert_equal "Accept, Sec-Fetch-Site, Origin, Cookie", response["Vary"]
    assert_equal 200, call("GET", cookie({ jwt: sign, more: 1 })).status
    json = JSON.generate(jwt: sign)
    { 3072 => 200, 3073 => 401 }.each do |size, status|
      assert_equal status, call("GET", { "HTTP_COOKIE" => "__Host-session=#{base64(json.ljust(size))}" }).status
    end
  end

  def test_a_malformed_cookie_is_an_invalid_token
    value = cookie["HTTP_COOKIE"]
    ["#{value}=", value.sub("session=", "session=!"), "#{value}; #{value}", "__Host-session=",
     "#{value}, __Host-session=x", cookie({ jwt: 1 })["HTTP_COOKIE"],
     cookie({})["HTTP_COOKIE"],
     "__Host-session=#{base64("{\"jwt\":\"#{sign.sub(".", "\\u002e")}\"}")}",
     "__Host-session=#{base64("{\"jwt\":\"#{sign}\",\"jwt\":\"#{sign}\"}")}",
     "__Host-session=#{encode("{\"jwt\":\"#{sign}\",\"a\":\"\u{7fff}\u{7fff}\"}")}"]
      .each do |header|
      response = call("GET", { "HTTP_COOKIE" => header })
      assert_error 401, "invalid_token", response, 'Bearer error="invalid_token"'
      assert_equal "private, no-store", response["Cache-Control"]
    end
    ["session", "__host-session", "\u00a0__Host-session", "__Host-session2"].each do |name|
      env = { "HTTP_COOKIE" => cookie({ jwt: sign }, name)["HTTP_COOKIE"].b }
      assert_error 401, "missing_token", call("GET", env), "Bearer"
    end
  end

  def test_an_unsafe_request_with_a_cookie_must_come_from_a_page_that_may_use_it
    @guard = guard(allowed_origins: ["https://app.example"])
    [{ "HTTP_SEC_FETCH_SITE" => "same-origin" }, { "HTTP_SEC_FETCH_SITE" => "none" }, { "HTTP_ORIGIN" => ISSUER },
     { "HTTP_ORIGIN" => AUDIENCE }, { "HTTP_ORIGIN" => "https://app.example", "HTTP_SEC_FETCH_SITE" => "cross-site" }]
      .each { |env| assert_equal 200, call("POST", cookie.merge(env)).status, env }
    [{}, { "HTTP_SEC_FETCH_SITE" => "same-site" }, { "HTTP_SEC_FETCH_SITE" => "none, none" },
     { "HTTP_ORIGIN" => "null" }, { "HTTP_ORIGIN" => "https://evil.example" },
     { "HTTP_ORIGIN" => "#{ISSUER}, #{ISSUER}" }].each do |env|
      ["POST", "DELETE", "get", "TRACE"].each do |method|
        response = call(method, cookie({ jwt: "x" }).merge(env, "REQUEST_METHOD" => method), required: false)
        assert_error 403, "cross_site_request", response
        assert_equal "private, no-store", response["Cache-Control"]
      end
    end
    assert_equal 200, call("HEAD", cookie).status
    websocket = { "HTTP_SEC_WEBSOCKET_VERSION" => "13" }
    assert_error 403, "cross_site_request", call("GET", cookie.merge(websocket))
    assert_equal 200, call("GET", cookie.merge(websocket, "HTTP_ORIGIN" => ISSUER)).status
  end

  def test_a_valid_token_gets_503_while_it_is_unknown_whether_it_was_revoked
    guard = guard(feed_secret: FEED_SECRET)
    response = call("GET", bearer, guard: guard)
    assert_error 503, "temporarily_unavailable", response
    assert_equal "1", response["Retry-After"]
    assert_equal 503, call("GET", bearer, guard: guard, required: false).status
    assert_error 401, "invalid_token", call("GET", bearer("x"), guard: guard), 'Bearer error="invalid_token"'
    assert_error 503, "temporarily_unavailable", call("GET", bearer(sign(claims, header(kid: "new"))), guard: guard())
  end
end
