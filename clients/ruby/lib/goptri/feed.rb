# frozen_string_literal: true

module Goptri
  # Follows the revocation feed (docs/feed.md). Entries are only added, until they expire.
  class Feed
    # `CLOCK_BOOTTIME` also runs while a Linux machine is suspended, as `CLOCK_MONOTONIC` on macOS.
    CLOCK = defined?(Process::CLOCK_BOOTTIME) ? Process::CLOCK_BOOTTIME : Process::CLOCK_MONOTONIC
    MONOTONIC_CLOCK = -> { Process.clock_gettime(CLOCK) }
    # Seconds: until the headers, from there to the first event, and between two events.
    TIMEOUTS = { headers: 15, first_event: 60, next_event: 15 }.freeze
    MAX_EVENT_BYTES = 1024 * 1024
    # About a gigabyte.
    MAX_ENTRIES = 5_000_000
    # The claim that an entry of each kind revokes.
    CLAIMS = { "session" => "sid", "token" => "jti", "client" => "client_id" }.freeze

    # @param guard [Guard] has the settings and the logger
    # @param clock [Proc] returns the seconds since any moment
    def initialize(guard, clock, timeouts: TIMEOUTS)
      @guard = guard
      @clock = clock
      @timeouts = timeouts
      @entries = {}
      @stale = false
      @lock = Mutex.new
      restart
    end

    # Makes the age unknown, as if the set were new. The entries stay.
    def restart
      @known_as_of = nil
      @created = @clock.call
    end

    # @param claims [Hash] verified claims
    # @raise [Error] if the token is revoked, or while that is unknown
    def check(claims)
      Strict.invalid("revoked") if CLAIMS.any? { |kind, name| revoked?(kind, claims[name], claims) }
      raise Error.new(:temporarily_unavailable, not_ready) if not_ready
    end

    # @return [String, nil] why no token is accepted
    def not_ready
      return "stale" if @guard.settings.on_stale == "refuse" && age > @guard.settings.max_staleness

      "not caught up" if age.infinite? && catching_up?
    end

    # @return [Boolean] whether the set is so new that it may still become complete in time
    def catching_up? = @clock.call - @created < [@guard.settings.max_staleness, 60].min

    # @return [Float] for how many seconds the set has been possibly incomplete
    def age = @known_as_of ? @clock.call - @known_as_of : Float::INFINITY

    # Logs once when the set becomes stale, and once when it is current again.
    def log_staleness
      stale = !catching_up? && age > @guard.settings.max_staleness
      return if stale == @stale

      @stale = stale
      @guard.logger.warn("revocation feed: #{stale ? "stale" : "current again"}")
    end

    # Follows the feed, and reconnects forever.
    def follow
      pause = 0.1
      loop do
        connect
      rescue StandardError => e
        @guard.logger.warn("revocation feed: #{e.message}") unless e.message == @logged
        @logged = e.message
        pause = 0.1 if @stable
        sleep(pause * rand(0.5..1.0))
        pause = [pause * 2, 1.5].min
      end
    end

    private

    def revoked?(kind, subject, claims)
      deadline, revoked_at = @lock.synchronize { @entries[[kind, subject]] }
      return false if deadline.nil? || deadline <= @clock.call

      kind != "client" || claims["iat"].to_i <= revoked_at
    end

    def connect
      @stable = @caught_up = @least = nil
      headers = { "Accept" => "text/event-stream",
                  "Authorization" => "Bearer #{@guard.settings.feed_secret}" }
      @guard.get("/revocations", headers, @timeouts[:headers]) do |response, http|
        raise "no stream of events" unless response.content_type == "text/event-stream"

        read(response, http)
      end
      raise "the connection was closed"
    end

    def read(response, http)
      buffer = +"".b
      last = @clock.call
      http.read_timeout = @timeouts[:first_event]
      response.read_body do |chunk|
        @arrival = @clock.call
        # The timer does not fire while the machine is suspended; what is read then is too old.
        raise "no data for #{http.read_timeout} s" if @arrival - last > http.read_timeout

        last = @arrival
        http.read_timeout = @timeouts[:next_event]
        buffer << chunk
        while (event = buffer.slice!(/\A.*?\n\r?\n/mn))
          on_event(event[/^event: ?(\S+)/, 1], event[/^data: ?(.+)/, 1])
        end
        raise "an event is too long" if buffer.bytesize > MAX_EVENT_BYTES
      end
    end

    def on_event(name, data)
      case name
      when "revocations"
        skipped = JSON.parse(data).fetch("entries").reject { |entry| insert(entry) }
        @guard.logger.warn("revocation feed: skipped #{skipped.size} entries") if skipped.any?
      when "heartbeat", "caught-up" then on_heartbeat(name, JSON.parse(data))
      when "keys" then @guard.expect_new_keys
      end
    end

    # Removes expired entries too. A duplicate keeps the later times. Returns false for an entry
    # that this version cannot read.
    def insert(entry)
      kind, subject, *times = entry.values_at("kind", "subject", "expires_in", "revoked_at")
      return false unless CLAIMS.key?(kind) && subject.is_a?(String) && times.all?(Integer)

      times[0] += @clock.call
      @lock.synchronize do
        known = @entries.delete([kind, subject]) || times
        @entries.shift while @entries.any? && @entries.first.last.first <= @clock.call
        raise "there are more than #{MAX_ENTRIES} revocations" if @entries.size >= MAX_ENTRIES

        @entries[[kind, subject]] = times.zip(known).map(&:max)
      end
    end

    def on_heartbeat(name, heartbeat)
      age, uptime = heartbeat.fetch_values("age_ms", "uptime_ms").map { |time| time / 1000.0 }
      raise "a heartbeat has a negative time" if [age, uptime].any?(&:negative?)

      as_of = @arrival - age - delay(@arrival - uptime)
      @stable ||= @caught_up
      @caught_up ||= name == "caught-up"
      @known_as_of = [@known_as_of, as_of].compact.max if @caught_up
      return unless name == "caught-up"

      @guard.logger.info("revocation feed: connected")
      @logged = nil
      # A `keys` event may have been missed.
      @guard.expect_new_keys
    end

    # The time that a message spent in buffers, relative to the fastest message of this connection.
    # The two clocks may drift apart by a thousandth.
    def delay(offset)
      least, at = @least || [offset, @arrival]
      expected = least + ((@arrival - at) / 1000.0)
      @least = [offset, @arrival] if offset <= expected
      [offset - expected, 0].max
    end
  end
end
