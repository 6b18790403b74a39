# frozen_string_literal: true

module Goptri
  # Decides whether an access token is accepted. Never waits for the network: threads of its own
  # fetch the keys and follow the revocation feed.
  class Guard
    MAX_JWKS_BYTES = 1024 * 1024

    # The {Settings}, the Logger, the {Feed} (nil without a feed secret), and the keys that
    # auth-server publishes (nil until they are fetched).
    attr_reader :settings, :logger, :feed, :published

    # @param env [Hash{String => String}] environment variables, such as ENV
    # @param options [Hash] as {#initialize}; they replace variables
    # @return [Guard]
    # @raise [SettingsError]
    def self.from_env(env = ENV, **options) = new(env: env, **options)

    # @param env [Hash{String => String}] environment variables
    # @param follow [Boolean] whether to follow auth-server; false in tests
    # @param clock [Proc] returns the seconds since 1970
    # @param options [Hash] the options of {Settings::OPTIONS}
    # @raise [SettingsError]
    def initialize(env: {}, follow: true, logger: Logger.new($stderr, progname: "goptri"),
                   clock: -> { Time.now.to_i }, monotonic_clock: Feed::MONOTONIC_CLOCK, **options)
      @sources = [env.to_h, options]
      @following = follow
      @logger = logger
      @clock = clock
      @threads = []
      @lock = Mutex.new
      use(Settings.new(*@sources))
      @feed = Feed.new(self, monotonic_clock) if settings.feed_secret
      logger.warn("without FEED_SECRET, tokens are accepted until they expire") unless feed
      start
    end

    # @param token [String]
    # @return [Caller]
    # @raise [Error]
    def verify(token)
      start
      caller = Token.verify(token, settings, @clock.call) { |kid| key(kid) }
      feed&.check(caller.claims)
      caller
    end

    # @return [String, nil] why the service is not ready
    def not_ready
      start
      # With a secret, keys are awaited for no longer than revocations.
      awaits_keys = @local.empty? ? published.to_h.empty? : published.nil? && feed&.catching_up?
      feed&.not_ready || ("keys unavailable" if awaits_keys)
    end

    # @return [Boolean] whether valid tokens are accepted
    def ready? = not_ready.nil?

    # Fetches the keys soon, and several times: auth-servers behind one address get new keys at
    # different times.
    def expect_new_keys
      @pause = 0.1
      @fetch_at = now
    end

    # Sends a request to auth-server. Redirects and proxies are not used: no other server may get
    # the secret or supply keys.
    #
    # @yieldparam response [Net::HTTPResponse]
    # @yieldparam http [Net::HTTP] the connection
    def get(path, headers = {}, timeout = 10)
      uri = URI.parse(settings.auth_server_url + path)
      trusted = OpenSSL::X509::Store.new.tap(&:set_default_paths)
      trusted.add_file(settings.auth_server_ca_file) if settings.auth_server_ca_file
      options = { use_ssl: uri.scheme == "https", cert_store: trusted,
                  open_timeout: 5, read_timeout: timeout, max_retries: 0 }
      Net::HTTP.start(uri.hostname, uri.port, nil, options) do |http|
        headers = { "Accept-Encoding" => "identity", **headers }
        http.request(Net::HTTP::Get.new(uri, headers)) do |response|
          raise "auth-server answers 401: is FEED_SECRET right?" if response.code == "401"
          raise "auth-server answers #{response.code} to #{path}" if response.code != "200"

          return yield(response, http)
        end
      end
    end

    # Stops to follow auth-server.
    def close
      @following = false
      @lock.synchronize { @threads.each(&:kill).each(&:join) }
    end

    # @return [String] without the secrets
    def inspect = "#<#{self.class}>"

    private

    def use(settings)
      @settings = settings
      @local = by_kid(settings.secrets.map { |secret| Key.from_secret(secret) })
    end

    def by_kid(keys) = keys.to_h { |key| [key.kid, key] }

    # A secret wins over a published key of the same name.
    def key(kid)
      @local[kid] || published.to_h.fetch(kid) do
        @fetch_at = [@fetch_at, @fetched_at + 10].min if @fetched_at
        # A client would discard a valid token on a 401.
        if published.nil? || [published, @local].all?(&:empty?)
          raise Error.new(:temporarily_unavailable, "no keys yet")
        end

        Strict.invalid("unknown key")
      end
    end

    # Starts the threads, also in a process that was forked from the one that started them: there
    # they are dead, and it is unknown what was revoked since.
    def start
      return if !@following || (@threads.any? && @threads.all?(&:alive?))

      @lock.synchronize do
        next if @threads.any? && @threads.all?(&:alive?)

        feed&.restart if @threads.any?
        @threads = [Thread.new { maintain }, (Thread.new { feed.follow } if feed)].compact
      end
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def maintain
      expect_new_keys
      loop do
        fetch_keys if now >= @fetch_at
        reload
        feed&.log_staleness
        sleep 0.2
      end
    end

    def fetch_keys
      @fetched_at = now
      jwks = Timeout.timeout(10) { get("/.well-known/jwks.json") { |response| body(response) } }
      jwks = JSON.parse(jwks).fetch("keys")
      raise "two keys have one kid" if jwks.filter_map { |jwk| jwk["kid"] }.uniq!

      keys = jwks.to_h { |jwk| [jwk, Key.from_jwk(jwk)] }
      raise "none of them can be used" if keys.any? && keys.values.none?

      @published = by_kid(keys.values.compact)
      log_skipped(keys.filter_map { |jwk, key| jwk.slice("kid", "kty", "crv") unless key })
      @pause = [@pause * 2, 300].min
    rescue StandardError => e
      logger.warn("the public keys cannot be fetched: #{e.message}")
      @pause = [@pause * 2, 10].min
    ensure
      @fetch_at = now + @pause
    end

    def body(response)
      body = +""
      response.read_body do |chunk|
        body << chunk
        raise "they are longer than #{MAX_JWKS_BYTES} bytes" if body.bytesize > MAX_JWKS_BYTES
      end
      body
    end

    # Logs the same keys once in a row.
    def log_skipped(jwks)
      logger.warn("published keys that are not used: #{jwks}") if jwks.any? && jwks != @skipped
      @skipped = jwks
    end

    # Reads the files of the secrets again. Accepts a change after two equal reads, so that a
    # partial write is ignored.
    def reload
      changed = Settings.new(*@sources)
      seen, @seen = @seen, [changed.secrets, changed.feed_secret]
      return if seen != @seen || @seen == [settings.secrets, settings.feed_secret]

      use(changed)
      logger.info("the secrets have changed: #{@local.values.join(", ")}")
    rescue SettingsError => e
      logger.error("the secrets are not reloaded: #{e.message}") unless @problem == e.message
      @problem = e.message
    end
  end
end
