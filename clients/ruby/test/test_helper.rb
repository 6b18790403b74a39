# frozen_string_literal: true

require "goptri"
require "minitest/autorun"
require "socket"
require "stringio"
require "tempfile"

# Tokens, guards and requests for tests.
module TestHelper
  NOW = 1_800_000_000
  ISSUER = "https://auth.example"
  AUDIENCE = "https://api.example"
  SECRET = "5f2a9c4be1d078365f2a9c4be1d07836"
  FEED_SECRET = "feed-8c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f"
  SESSION = "01a226e7-dad7-7b93-9c3e-a53e8a12b277"

  def claims(**more)
    { iss: ISSUER, sub: "user-1", aud: AUDIENCE, exp: NOW + 900, iat: NOW, jti: "30a68cd6d2a075b57fc91dcd23288183",
      client_id: "goptri", scope: "orders:read", sid: SESSION, email: "ann@example.com", email_verified: true,
      roles: ["admin"] }.merge(more)
  end

  def header(secret = SECRET, **more)
    { typ: "at+jwt", alg: "HS256", kid: Goptri::Key.from_secret(secret).kid }.merge(more)
  end

  # A token with these texts as header and payload, signed by the block or with the secret.
  def sign(payload = claims, head = header, secret: SECRET)
    texts = [head, payload].map { |part| part.is_a?(String) ? part : JSON.generate(part) }
    input = texts.map { |text| encode(text) }.join(".")
    signature = block_given? ? yield(input) : OpenSSL::HMAC.digest("SHA256", secret, input)
    "#{input}.#{encode(signature)}"
  end

  def encode(bytes)
    [bytes].pack("m0").tr("+/", "-_").delete("=")
  end

  # A guard whose log is {#log}, and whose clock is `NOW`.
  def guard(follow: false, clock: -> { NOW }, **options)
    @guards ||= []
    options = { issuer: ISSUER, audience: AUDIENCE, secrets: [SECRET] }.merge(options)
    @guards << Goptri::Guard.new(follow: follow, clock: clock, logger: Logger.new(log), **options)
    @guards.last
  end

  def teardown
    super
    (@guards || []).each(&:close)
  end

  def log
    @log ||= StringIO.new
  end

  # Gives a guard without threads the public keys of auth-server.
  def publish(guard, jwks)
    guard.define_singleton_method(:get) { |_| JSON.generate(keys: jwks) }
    guard.send(:expect_new_keys)
    guard.send(:fetch_keys)
    guard.published
  end

  # Pretends that the feed of a guard without threads has caught up.
  def catch_up(guard, age: 0)
    guard.feed.instance_variable_set(:@arrival, Goptri::Feed::MONOTONIC_CLOCK.call)
    guard.feed.send(:on_event, "caught-up", JSON.generate(age_ms: age * 1000, uptime_ms: 100_000))
  end

  # The reason for which a block rejects a token; nil if it accepts it.
  def rejection
    yield
    nil
  rescue Goptri::Error => e
    e.message.tr(" ", "_").to_sym
  end

  # Waits until the block returns a value, at most five seconds.
  def eventually
    500.times do
      value = yield
      return value if value

      sleep 0.01
    end
    flunk "not within five seconds; the log is: #{log.string}"
  end

  # A log of an application may say what a secret is for, but never what it is.
  def assert_no_secret(text)
    [SECRET, FEED_SECRET].each { |secret| refute_includes text, secret }
  end
end

Minitest::Test.include(TestHelper)
