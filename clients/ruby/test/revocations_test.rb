# frozen_string_literal: true

require "test_helper"

class RevocationsTest < Minitest::Test
  # Says that it is full after its first entry.
  class FullHash < Hash
    def size
      empty? ? 0 : 5_000_000
    end
  end

  def setup
    @now = 100.0
  end

  def set(**more)
    guard(feed_secret: FEED_SECRET, monotonic_clock: -> { @now }, **more).feed
  end

  def insert(set, *entries)
    set.send(:on_event, "revocations", JSON.generate(entries: entries))
  end

  def size(set)
    set.instance_variable_get(:@entries).size
  end

  def known_as_of(set, time)
    set.instance_variable_set(:@arrival, @now)
    age_ms = ((@now - time) * 1000).round
    set.send(:on_event, "caught-up", JSON.generate(age_ms: age_ms, uptime_ms: (@now * 1000).round))
  end

  def entry(kind, subject, **more)
    { "kind" => kind, "subject" => subject, "revoked_at" => NOW, "expires_in" => 10 }.merge(more.transform_keys(&:to_s))
  end

  def verified(**more)
    claims(**more).transform_keys(&:to_s)
  end

  def revoked?(set, **more)
    rejection { set.check(verified(**more)) } == :revoked
  end

  def test_an_entry_revokes_by_session_token_or_client
    {
      entry("session", SESSION) => true, entry("session", claims[:jti]) => false,
      entry("session", SESSION.upcase) => false, entry("token", claims[:jti]) => true,
      entry("token", SESSION) => false, entry("client", "goptri") => true, entry("client", "user-1") => false,
      entry("client", "goptri", revoked_at: NOW - 1) => false
    }.each do |entry, expected|
      set = set()
      insert(set, entry)
      assert_equal expected, revoked?(set), entry
    end
    refute revoked?(set, sid: nil)
  end

  def test_an_entry_is_kept_until_its_last_deadline
    set = set()
    insert(set, entry("client", "goptri", expires_in: 10),
           entry("client", "goptri", expires_in: 5, revoked_at: NOW - 5))
    insert(set, entry("session", "short", expires_in: 1))
    @now += 9.9
    insert(set, entry("session", "other"))
    assert revoked?(set)
    @now += 0.2
    refute revoked?(set)
    assert_equal 3, size(set)
    insert(set, entry("session", "another"))
    assert_equal 2, size(set)
  end

  def test_an_unreadable_entry_is_skipped
    set = set()
    unreadable = [{}, entry("user", "x"), entry("session", nil), entry("session", "x", expires_in: 1.5),
                  entry("session", "x", expires_in: nil), entry("session", "x", revoked_at: "1")]
    insert(set, *unreadable, entry("session", SESSION))
    assert_equal 1, size(set)
    assert_includes log.string, "skipped #{unreadable.size} entries"
    assert revoked?(set)
  end

  def test_a_full_set_keeps_its_entries
    set = set()
    set.instance_variable_set(:@entries, FullHash.new)
    2.times { insert(set, entry("session", SESSION)) }
    assert_match(/more than 5000000/, assert_raises(RuntimeError) { insert(set, entry("session", "other")) }.message)
    assert revoked?(set)
  end

  def test_a_new_set_rejects_until_it_has_caught_up_or_for_a_limited_time
    { "60s" => 60, "10s" => 10, "2h" => 60 }.each do |max_staleness, limit|
      set, refusing = %w[allow refuse].map { |on_stale| set(on_stale: on_stale, max_staleness: max_staleness) }
      @now += limit - 0.1
      assert_equal "not caught up", set.not_ready
      @now += 0.2
      assert_nil set.not_ready
      assert_equal "stale", refusing.not_ready
      known_as_of(refusing, @now)
      assert_nil refusing.not_ready
    end
  end

  def test_a_stale_set_is_used_or_refused
    set, refusing = %w[allow refuse].map { |on_stale| set(on_stale: on_stale) }
    [set, refusing].each { |each| [@now, @now - 50].each { |time| known_as_of(each, time) } }
    @now += 60
    assert_nil refusing.not_ready
    @now += 0.1
    assert_nil set.not_ready
    assert_equal :stale, rejection { refusing.check(verified) }
    insert(refusing, entry("session", SESSION))
    assert revoked?(refusing)
  end
end
