# frozen_string_literal: true

module Goptri
  # The set of revocations, and its age (docs/feed.md). Entries are only added, until they expire.
  class Revocations
    # The set has no room for another entry.
    class Full < StandardError; end

    # `CLOCK_BOOTTIME` also runs while a Linux machine is suspended, as `CLOCK_MONOTONIC` does on macOS.
    MONOTONIC_CLOCK = lambda do
      Process.clock_gettime(defined?(Process::CLOCK_BOOTTIME) ? Process::CLOCK_BOOTTIME : Process::CLOCK_MONOTONIC)
    end
    # About a gigabyte.
    MAX_ENTRIES = 5_000_000
    # Each sweep visits one shard, so that it never takes long.
    SHARDS = 64
    CATCH_UP_TIMEOUT = 60
    private_constant :MAX_ENTRIES, :SHARDS, :CATCH_UP_TIMEOUT

    # @return [Proc] the clock of the set
    attr_reader :clock

    # @param max_staleness [Numeric] seconds
    # @param on_stale [String] `allow` or `refuse`
    def initialize(max_staleness:, on_stale:, clock: MONOTONIC_CLOCK, max_entries: MAX_ENTRIES)
      @max_staleness = max_staleness
      @refuse_stale = on_stale == "refuse"
      @clock = clock
      @max_entries = max_entries
      @created = clock.call
      @shards = Array.new(SHARDS) { {} }
      @size = 0
      @lock = Mutex.new
    end

    # Adds an entry. A duplicate keeps the later deadline and the later `revoked_at`.
    #
    # @param entry [Object] an element of `entries`
    # @return [Boolean] false for an entry that this version cannot read
    # @raise [Full]
    def insert(entry)
      return false unless entry.is_a?(Hash)

      kind, subject, revoked_at, expires_in = entry.values_at("kind", "subject", "revoked_at", "expires_in")
      return false unless %w[session token client].include?(kind) && subject.is_a?(String) && subject.bytesize <= 8192
      return false unless revoked_at.is_a?(Numeric) && expires_in.is_a?(Integer) && !expires_in.negative?

      key = [kind, subject].join("\0")
      deadline = clock.call + expires_in
      @lock.synchronize do
        shard = shard_of(key)
        known = shard[key]
        raise Full, "there are more than #{@max_entries} revocations" if known.nil? && @size >= @max_entries

        @size += 1 unless known
        shard[key] = known ? [[known[0], deadline].max, [known[1], revoked_at].max] : [deadline, revoked_at]
      end
      true
    end

    # @param claims [Hash] verified claims
    # @raise [TokenError] if the token is revoked, or while that is unknown
    def check(claims)
      revoked = live("session", claims["sid"]) || live("token", claims["jti"])
      revoked ||= live("client", claims["client_id"])&.then { |revoked_at| claims["iat"].to_i <= revoked_at }
      raise TokenError, :revoked if revoked

      reason = not_ready
      raise TokenError, reason if reason
    end

    # @return [Symbol, nil] `:not_caught_up` or `:stale` while no token is accepted
    def not_ready
      return :not_caught_up if @known_as_of.nil? && (@refuse_stale || within_catch_up_timeout?)

      :stale if @refuse_stale && stale?
    end

    # @return [Boolean] whether the set is so new that it may still become complete in time
    def within_catch_up_timeout?
      clock.call - @created < [@max_staleness, CATCH_UP_TIMEOUT].min
    end

    # @return [Float, nil] for how many seconds the set has been possibly incomplete; nil if it always was
    def age
      @known_as_of && (clock.call - @known_as_of)
    end

    # @return [Boolean] whether the set is older than the limit
    def stale?
      (age || Float::INFINITY) > @max_staleness
    end

    # Records that every revocation up to this time of the clock was inserted.
    def known_as_of(time)
      @known_as_of = [@known_as_of, time].compact.max
    end

    # Makes the age unknown, as if the set were new. The entries stay.
    def restart
      @known_as_of = nil
      @created = clock.call
    end

    # Removes the expired entries of one shard.
    def sweep(number)
      now = clock.call
      @lock.synchronize do
        shard = @shards[number % SHARDS]
        before = shard.size
        shard.delete_if { |_, (deadline, _)| deadline <= now }
        @size -= before - shard.size
      end
    end

    # @return [Integer] the number of entries; expired ones count until they are swept
    attr_reader :size

    # @return [String]
    def inspect
      "#<#{self.class.name} #{size} entries>"
    end

    private

    def shard_of(key)
      @shards[key.hash % SHARDS]
    end

    # The `revoked_at` of an entry that has not expired.
    def live(kind, subject)
      return if subject.nil? || @size.zero?

      key = [kind, subject].join("\0")
      deadline, revoked_at = @lock.synchronize { shard_of(key)[key] }
      revoked_at if deadline && clock.call < deadline
    end
  end
end
