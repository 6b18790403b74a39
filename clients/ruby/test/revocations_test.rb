# frozen_string_literal: true

require "test_helper"

class RevocationsTest < Minitest::Test
  def setup
    @now = 100.0
  end

  def set(on_stale: "allow", max_staleness: 60, **more)
    Goptri::Revocations.new(max_staleness: max_staleness, on_stale: on_stale, clock: -> { @now }, **more)
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
      assert set.insert(entry)
      assert_equal expected, revoked?(set), entry
    end
    refute revoked?(set, sid: nil)
  end

  def test_an_entry_is_kept_until_its_last_deadline
    set = set()
    set.insert(entry("client", "goptri", expires_in: 10))
    set.insert(entry("client", "goptri", expires_in: 5, revoked_at: NOW - 5))
    @now += 9.9
    64.times { |round| set.sweep(round) }
    assert revoked?(set)
    @now += 0.2
    refute revoked?(set)
    assert_equal 1, set.size
    64.times { |round| set.sweep(round) }
    assert_equal 0, set.size
  end

  def test_an_unreadable_entry_is_skipped
    set = set()
    [nil, {}, [], entry("user", "x"), entry("session", nil), entry("session", "x" * 8193),
     entry("session", "x", expires_in: 1.5), entry("session", "x", expires_in: -1),
     entry("session", "x", revoked_at: "1")].each { |entry| refute set.insert(entry) }
    assert_equal 0, set.size
  end

  def test_a_full_set_keeps_its_entries
    set = set(max_entries: 1)
    2.times { set.insert(entry("session", SESSION)) }
    assert_raises(Goptri::Revocations::Full) { set.insert(entry("session", "other")) }
    assert revoked?(set)
  end

  def test_a_new_set_rejects_until_it_has_caught_up_or_for_a_limited_time
    { 60 => 60, 10 => 10, 7200 => 60 }.each do |max_staleness, limit|
      set, refusing = %w[allow refuse].map { |on_stale| set(on_stale: on_stale, max_staleness: max_staleness) }
      @now += limit - 0.1
      assert_equal :not_caught_up, set.not_ready
      @now += 0.2
      assert_nil set.not_ready
      assert_equal :not_caught_up, refusing.not_ready
      refusing.known_as_of(@now)
      assert_nil refusing.not_ready
    end
  end

  def test_a_stale_set_is_used_or_refused
    set, refusing = %w[allow refuse].map { |on_stale| set(on_stale: on_stale) }
    [set, refusing].each { |each| each.known_as_of(@now) && each.known_as_of(@now - 50) }
    @now += 60
    assert_nil refusing.not_ready
    @now += 0.1
    assert set.stale?
    assert_nil set.not_ready
    assert_equal :stale, rejection { refusing.check(verified) }
    refusing.insert(entry("session", SESSION))
    assert revoked?(refusing)
  end
end
