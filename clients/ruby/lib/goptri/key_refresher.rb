# frozen_string_literal: true

module Goptri
  # Keeps the public keys of auth-server up to date. The last good set stays in use while auth-server is unreachable.
  class KeyRefresher
    PATH = "/.well-known/jwks.json"
    MAX_BYTES = 128 * 1024
    TIMEOUT = 10
    INTERVAL = 300
    # The first pause after a change or a failure, which doubles, and the longest after a failure.
    MIN_PAUSE = 0.2
    MAX_RETRY = 10
    # The least time between fetches because of reported changes, and because of tokens with unknown keys.
    COOLDOWNS = { changed: 0.1, unknown_kid: 10 }.freeze
    private_constant :PATH, :MAX_BYTES, :TIMEOUT, :INTERVAL, :MIN_PAUSE, :MAX_RETRY, :COOLDOWNS

    # @param auth_server [AuthServer]
    # @param keys [Keys]
    # @param logger [Logger]
    def initialize(auth_server, keys, logger)
      @auth_server = auth_server
      @keys = keys
      @logger = logger
      @lock = Mutex.new
      @wake = ConditionVariable.new
      @notified = []
    end

    # @param reason [Symbol] `:changed` or `:unknown_kid`
    def notify(reason)
      @lock.synchronize do
        @notified |= [reason]
        @wake.signal
      end
    end

    # Fetches the keys forever.
    def run
      after_success = INTERVAL
      after_failure = MIN_PAUSE
      loop do
        began = now
        if fetched?
          pause, after_failure = after_success, MIN_PAUSE
          after_success = [pause * 2, INTERVAL].min
        else
          pause = after_failure
          after_failure = [pause * 2, MAX_RETRY].min
        end
        # Several auth-servers behind one address get new keys at different times, so the fetch is repeated.
        after_success = MIN_PAUSE if wait(began, pause) == :changed
      end
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # @return [Symbol, nil] why the next fetch is due
    def wait(began, pause)
      @lock.synchronize do
        loop do
          reasons = @notified.map { |name| [began + COOLDOWNS.fetch(name), name] }
          due, reason = [[began + pause, nil], *reasons].min_by(&:first)
          if due <= now
            @notified.delete(reason)
            return reason
          end
          @wake.wait(@lock, due - now)
        end
      end
    end

    def fetched?
      headers = { "Accept" => "application/jwk-set+json, application/json", "Cache-Control" => "no-cache" }
      headers["If-None-Match"] = @etag if @etag
      deadline = now + TIMEOUT
      @auth_server.get(PATH, headers, timeout: TIMEOUT) do |response|
        next if response.code == "304"
        raise Keys::InvalidSet, "AUTH_SERVER_URL answers #{response.code} instead of keys" unless response.code == "200"

        @keys.published = Keys.parse(body(response, deadline)) do |reason|
          log(:warn, "a key that auth-server publishes is not used: #{reason}")
        end
        @etag = response["ETag"]
        log(:info, "access tokens are verified with these keys: #{@keys}")
      end
      true
    rescue Keys::InvalidSet, SystemCallError, SocketError, IOError, OpenSSL::SSL::SSLError, Timeout::Error,
           Net::HTTPBadResponse => e
      log(:warn, "the public keys of auth-server cannot be fetched; the last ones stay in use: #{e.message}")
      false
    end

    def body(response, deadline)
      body = +""
      response.read_body do |chunk|
        body << chunk
        raise Keys::InvalidSet, "it is longer than #{MAX_BYTES} bytes" if body.bytesize > MAX_BYTES
        raise Keys::InvalidSet, "it takes longer than #{TIMEOUT} s" if now > deadline
      end
      body
    end

    # Logs each message once in a row.
    def log(level, message)
      @logger.public_send(level, message) unless message == @logged
      @logged = message
    end
  end
end
