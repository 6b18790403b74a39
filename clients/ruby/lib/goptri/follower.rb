# frozen_string_literal: true

module Goptri
  # Follows the revocation feed (docs/feed.md), and reconnects forever.
  class Follower
    include Opaque

    # Why a connection ended. The message contains neither the secret nor the response.
    class Disconnected < StandardError; end

    PATH = "/revocations"
    # Seconds: until the headers, from there to the first event, and between two events.
    TIMEOUTS = { response: 15, first_event: 60, next_event: 15 }.freeze
    # The first pause before a reconnection, which doubles, and the longest.
    PAUSES = [0.1, 1.5].freeze
    # The two clocks may drift apart by one second in this many.
    DRIFT = 1000.0
    private_constant :PATH, :PAUSES, :DRIFT

    # @return [String] the secret of the next connection
    attr_writer :secret

    # @param auth_server [AuthServer]
    # @param secret [String]
    # @param revocations [Revocations]
    # @param logger [Logger]
    # @yield when the keys of auth-server have changed, or may have
    def initialize(auth_server, secret, revocations, logger:, timeouts: TIMEOUTS, &on_keys)
      @auth_server = auth_server
      @secret = secret
      @revocations = revocations
      @logger = logger
      @timeouts = timeouts
      @on_keys = on_keys
      @logged = []
    end

    # Follows the feed forever.
    def run
      pause = PAUSES.first
      loop do
        follow_once
      rescue Disconnected, EventStream::TooLong, Revocations::Full, SystemCallError, SocketError, IOError,
             OpenSSL::SSL::SSLError, Timeout::Error, Net::HTTPBadResponse, Net::ProtocolError => e
        log_lost(e)
        pause = PAUSES.first if @stable
        sleep(pause * rand(0.5..1.0))
        pause = [pause * 2, PAUSES.last].min
      end
    end

    private

    def follow_once
      @stable = @caught_up = @least = nil
      headers = { "Accept" => "text/event-stream", "Authorization" => "Bearer #{@secret}" }
      @auth_server.get(PATH, headers, timeout: @timeouts[:response]) do |response, http|
        check(response)
        read(response, http)
      end
      raise Disconnected, "the connection was closed"
    end

    def check(response)
      if response.code == "401"
        raise Disconnected, "auth-server rejects the secret (401): the first secret in FEED_SECRET here must be " \
                            "one of those in auth-server's FEED_SECRET"
      end
      raise Disconnected, "AUTH_SERVER_URL answers #{response.code} instead of the feed" unless response.code == "200"
      return if response["Content-Type"].to_s.downcase.start_with?("text/event-stream")

      raise Disconnected, "AUTH_SERVER_URL answers 200 without a stream of events"
    end

    def read(response, http)
      stream = EventStream.new
      last = @revocations.clock.call
      limit = http.read_timeout = @timeouts[:first_event]
      response.read_body do |chunk|
        # The timer does not fire while the machine is suspended. Data that is read afterwards is too old to use.
        arrival = @revocations.clock.call
        raise Disconnected, "no data for #{limit} s" if arrival - last > limit

        last = arrival
        limit = http.read_timeout = @timeouts[:next_event]
        stream.feed(chunk) { |name, data| on_event(name, data, arrival) }
      end
    end

    def on_event(name, data, arrival)
      case name
      when "revocations" then add(parse(data)["entries"])
      when "heartbeat", "caught-up" then on_heartbeat(name, parse(data), arrival)
      when "keys" then @on_keys&.call
      end
    end

    def parse(data)
      value = JSON.parse(data.force_encoding(Encoding::UTF_8))
      value.is_a?(Hash) ? value : raise(Disconnected, "the data of an event is malformed")
    rescue JSON::ParserError, EncodingError
      raise Disconnected, "the data of an event is malformed"
    end

    def add(entries)
      raise Disconnected, "the data of an event is malformed" unless entries.is_a?(Array)

      skipped = entries.reject { |entry| @revocations.insert(entry) }
      @logger.warn("skipped #{skipped.size} revocation entries that this version cannot read") if skipped.any?
    end

    def on_heartbeat(name, heartbeat, arrival)
      age, uptime = heartbeat.values_at("age_ms", "uptime_ms")
      valid = [age, uptime].all? { |time| time.is_a?(Integer) && !time.negative? }
      raise Disconnected, "the data of an event is malformed" unless valid

      as_of = arrival - (age / 1000.0) - delay(arrival, uptime / 1000.0)
      if name == "caught-up"
        @caught_up = true
        log_connected
        # A `keys` event may have been missed.
        @on_keys&.call
      else
        @stable = @caught_up
      end
      @revocations.known_as_of(as_of) if @caught_up
    end

    # The time that a message spent in buffers, relative to the fastest message of this connection.
    def delay(arrival, uptime)
      offset = arrival - uptime
      least, at = @least || [offset, arrival]
      expected = least + ((arrival - at) / DRIFT)
      @least = [offset, arrival] if offset <= expected
      [offset - expected, 0].max
    end

    # Logs each reason once per outage.
    def log_lost(error)
      return if @logged.include?(error.message)

      @logged << error.message
      @logger.warn("disconnected from the revocation feed of #{@auth_server.url}; retrying: #{error.message}")
    end

    def log_connected
      @logger.info("connected to the revocation feed of #{@auth_server.url}; #{@revocations.size} entries")
      @logged.clear
    end
  end
end
