# frozen_string_literal: true

require "test_helper"
require "fake_auth_server"

class FeedTest < Minitest::Test
  CAUGHT_UP = "event: heartbeat\ndata: {\"age_ms\":1,\"uptime_ms\":10}\n\n" \
              "event: caught-up\ndata: {\"age_ms\":1,\"uptime_ms\":11}\n\n"
  REVOKED = "event: revocations\ndata: {\"entries\":[{\"kind\":\"session\",\"subject\":\"#{TestHelper::SESSION}\"," \
            "\"revoked_at\":#{TestHelper::NOW},\"expires_in\":7500}]}\n\n"

  def setup
    @server = FakeAuthServer.new
  end

  def teardown
    super
    @server.close
    assert_no_secret log.string
  end

  def following(follow: true, **more)
    @guard = guard(follow: follow, auth_server_url: @server.url, feed_secret: FEED_SECRET, **more)
  end

  def reason
    rejection { @guard.verify(sign) }
  end

  def test_a_revocation_takes_effect_at_once
    following
    feed = @server.next_feed
    assert_equal "Bearer #{FEED_SECRET}", feed.headers["authorization"]
    assert_equal "text/event-stream", feed.headers["accept"]
    assert_equal :not_caught_up, reason
    assert_equal "not caught up", @guard.not_ready
    feed.send(CAUGHT_UP)
    eventually { @guard.ready? }
    assert_nil reason
    feed.send(REVOKED)
    eventually { reason == :revoked }
  end

  def test_a_connection_that_is_cut_within_an_event_is_opened_again
    following
    feed = @server.next_feed
    feed.send(CAUGHT_UP)
    feed.send(REVOKED[0..-3])
    eventually { @guard.ready? }
    feed.close
    feed = @server.next_feed
    assert_nil reason
    feed.send(REVOKED.gsub("\n", "\r\n"))
    eventually { reason == :revoked }
    feed.close
    @server.next_feed
    assert_equal :revoked, reason
    assert_includes log.string, "revocation feed: end of file"
  end

  def test_a_wrong_secret_is_logged_once_and_tried_again
    following
    3.times { @server.next_feed(status: 401).close }
    assert_equal :not_caught_up, reason
    eventually { log.string.include?("answers 401: is FEED_SECRET right?") }
    assert_equal 1, log.string.scan("answers 401").size
    @server.next_feed.send(CAUGHT_UP)
    eventually { @guard.ready? }
  end

  def test_a_redirect_or_another_page_is_not_followed
    following
    @server.next_feed(status: 302, headers: "Location: #{@server.url}/revocations\r\n").close
    @server.next_feed(headers: "Content-Type: text/html\r\n").close
    @server.next_feed(status: 503).close
    eventually { ["answers 302", "no stream of events", "answers 503"].all? { |text| log.string.include?(text) } }
  end

  def test_the_certificate_of_auth_server_is_verified
    @server.close
    Tempfile.create do |ca_file|
      @server = FakeAuthServer.new(tls: true)
      File.write(ca_file.path, @server.certificate.to_pem)
      following
      eventually { log.string.scan("certificate verify failed").size >= 2 }
      @guard.close
      following(auth_server_ca_file: ca_file.path)
      @server.next_feed.send(CAUGHT_UP)
      eventually { @guard.ready? }
    end
  end

  def test_an_unreachable_server_does_not_delay_requests
    @server.close
    following
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    assert_equal :not_caught_up, reason
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - began, :<, 0.5
    eventually { log.string.include?("revocation feed: Failed") && log.string.include?("keys cannot be fetched") }
  end

  def test_while_the_feed_is_stale_tokens_are_accepted_or_refused
    { "allow" => nil, "refuse" => :stale }.each do |on_stale, expected|
      now = 100.0
      following(on_stale: on_stale, monotonic_clock: -> { now })
      @server.next_feed.send(CAUGHT_UP)
      eventually { @guard.feed.age < 1 }
      now += 61
      assert_equal [expected, expected&.to_s], [reason, @guard.not_ready]
      eventually { log.string.include?("revocation feed: stale") }
      now -= 61
      eventually { log.string.include?("revocation feed: current again") }
      assert_equal 1, log.string.scan("feed: stale").size
      log.truncate(0)
      @guard.close
    end
  end

  def test_data_that_is_read_after_a_suspension_is_not_used
    now = 100.0
    following(on_stale: "refuse", max_staleness: "10s", monotonic_clock: -> { now })
    feed = @server.next_feed
    feed.send(CAUGHT_UP)
    eventually { @guard.ready? }
    now += 16
    feed.send("event: heartbeat\ndata: {\"age_ms\":1,\"uptime_ms\":16011}\n\n")
    @server.next_feed
    assert_equal :stale, reason
    assert_includes log.string, "no data for"
  end

  def test_a_delayed_heartbeat_is_older_than_it_says
    now = 100.0
    following(monotonic_clock: -> { now })
    feed = @server.next_feed
    feed.send(CAUGHT_UP)
    eventually { @guard.feed.age < 1 }
    now += 10
    feed.send("event: heartbeat\ndata: {\"age_ms\":500,\"uptime_ms\":4011}\n\n")
    eventually { @guard.feed.age < 10 }
    assert_in_delta 6.5, @guard.feed.age, 0.02
  end

  # The feed of a guard with other timeouts, until the end of the block.
  def with_feed(**timeouts)
    following(follow: false)
    feed = Goptri::Feed.new(@guard, Goptri::Feed::MONOTONIC_CLOCK,
                            timeouts: Goptri::Feed::TIMEOUTS.merge(timeouts))
    thread = Thread.new { feed.follow }
    yield feed
  ensure
    thread.kill.join
  end

  def test_a_silent_connection_is_opened_again
    with_feed(next_event: 0.2) do
      @server.next_feed.send(CAUGHT_UP)
      @server.next_feed
    end
    with_feed(first_event: 0.2) { 2.times { @server.next_feed } }
  end

  def test_a_negative_time_ends_the_connection
    [[-1, 10], [1, -10]].each do |age, uptime|
      %w[heartbeat caught-up].each do |name|
        with_feed do |feed|
          @server.next_feed.send("event: #{name}\ndata: {\"age_ms\":#{age},\"uptime_ms\":#{uptime}}\n\n")
          @server.next_feed
          assert_equal Float::INFINITY, feed.age
        end
      end
    end
    assert_includes log.string, "a heartbeat has a negative time"
  end

  def test_a_long_event_ends_the_connection
    with_feed do
      connection = @server.next_feed
      20.times { connection.send("x" * 65_536) }
      @server.next_feed
    rescue Errno::EPIPE, Errno::ECONNRESET
      @server.next_feed
    end
    assert_includes log.string, "an event is too long"
  end

  def test_the_age_is_unknown_until_the_set_has_caught_up
    with_feed do |feed|
      connection = @server.next_feed
      connection.send("event: heartbeat\ndata: {\"age_ms\":1,\"uptime_ms\":10}\n\n")
      connection.send(REVOKED)
      eventually { rejection { feed.check(claims.transform_keys(&:to_s)) } == :revoked }
      assert_equal Float::INFINITY, feed.age
      connection.send(CAUGHT_UP)
      eventually { feed.age < 1 }
    end
  end

  def test_new_keys_are_fetched_when_they_are_announced
    following(secrets: nil)
    key = OpenSSL::PKey.generate_key("ED25519")
    jwk = { kty: "OKP", crv: "Ed25519", kid: "new", x: encode(key.public_to_der[-32..]) }
    token = sign(claims, header(kid: "new", alg: "EdDSA")) { |input| key.sign(nil, input) }
    feed = @server.next_feed
    feed.send(CAUGHT_UP)
    eventually { @guard.published }
    assert_equal :no_keys_yet, rejection { @guard.verify(token) }
    @server.keys = [jwk]
    feed.send("event: keys\ndata: {}\n\n")
    eventually { rejection { @guard.verify(token) }.nil? }
    assert @guard.ready?
  end

  def test_a_changed_secret_file_is_used_without_a_restart
    Tempfile.create do |access|
      Tempfile.create do |feed_secret|
        File.write(access.path, "#{SECRET}\n")
        File.write(feed_secret.path, FEED_SECRET)
        env = { "ACCESS_TOKEN_SECRET_FILE" => access.path, "FEED_SECRET_FILE" => feed_secret.path }
        following(secrets: nil, feed_secret: nil, env: env)
        feed = @server.next_feed
        feed.send(CAUGHT_UP)
        eventually { @guard.ready? }
        File.write(access.path, "short")
        eventually { log.string.include?("ACCESS_TOKEN_SECRET must be") }
        assert_nil reason
        File.write(access.path, SECRET.reverse)
        File.write(feed_secret.path, FEED_SECRET.reverse)
        eventually { reason == :unknown_key }
        assert_nil(rejection { @guard.verify(sign(claims, header(SECRET.reverse), secret: SECRET.reverse)) })
        feed.close
        assert_equal "Bearer #{FEED_SECRET.reverse}", @server.next_feed.headers["authorization"]
      end
    end
  end

  def test_a_changed_file_must_have_the_same_content_twice
    Tempfile.create do |file|
      File.write(file.path, SECRET)
      guard = guard(secrets: nil, env: { "ACCESS_TOKEN_SECRET_FILE" => file.path })
      [SECRET.reverse, SECRET, SECRET.reverse].each do |secret|
        File.write(file.path, secret)
        guard.send(:reload)
        assert_equal [SECRET], guard.settings.secrets
      end
      guard.send(:reload)
      assert_equal [SECRET.reverse], guard.settings.secrets
    end
  end

  def test_a_long_set_of_keys_is_not_read
    @server.keys = [{ kty: "x" * 1024 * 1024 }]
    following
    eventually { log.string.include?("longer than 1048576 bytes") }
    assert_nil @guard.published
  end

  def test_a_forked_process_follows_on_its_own
    following
    @server.next_feed.send(CAUGHT_UP)
    eventually { @guard.ready? }
    in_child(-> { eventually { reason == :revoked } }) { @server.next_feed.send(CAUGHT_UP + REVOKED) }
  end

  def test_a_forked_process_accepts_no_token_until_it_has_caught_up
    questions = [-> { reason }, -> { @guard.not_ready&.tr(" ", "_")&.to_sym }]
    questions.each do |question|
      following
      @server.next_feed.send(CAUGHT_UP)
      eventually { @guard.ready? }
      assert_nil question.()
      reader, writer = IO.pipe
      child = lambda do
        assert_equal :not_caught_up, question.()
        writer.puts("asked")
        eventually { reason.nil? }
      end
      in_child(child) do
        writer.close
        reader.gets
        @server.next_feed.send(CAUGHT_UP)
      end
      assert_nil reason
      @guard.close
    end
  end

  # Calls the first in a forked process, and the block in this one.
  def in_child(child)
    pid = fork do
      child.()
      exit! 0
    rescue Exception => e # rubocop:disable Lint/RescueException
      warn e.full_message
      exit! 1
    end
    yield
    assert_predicate Process.wait2(pid).last, :success?
  end
end
