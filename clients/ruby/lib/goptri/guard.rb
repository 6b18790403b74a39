# frozen_string_literal: true

module Goptri
  # Decides whether an access token is accepted. Never waits for the network: threads of its own fetch the keys and
  # follow the revocation feed.
  class Guard
    include Opaque

    # @return [Settings]
    attr_reader :settings
    # @return [Keys]
    attr_reader :keys
    # @return [Revocations, nil] nil without a feed secret
    attr_reader :revocations
    # @return [Logger]
    attr_reader :logger

    # @param env [Hash{String => String}] environment variables, such as ENV
    # @param options [Hash] as {#initialize}; they replace variables
    # @return [Guard]
    # @raise [SettingsError]
    def self.from_env(env = ENV, **options)
      new(env: env, **options)
    end

    # @param env [Hash{String => String}] environment variables
    # @param follow [Boolean] whether to follow auth-server; false in tests
    # @param clock [Proc] returns the seconds since 1970
    # @param monotonic_clock [Proc] returns the seconds since any moment
    # @param options [Hash] the options of {Settings::OPTIONS}
    # @raise [SettingsError]
    def initialize(env: {}, follow: true, logger: Logger.new($stderr, progname: "goptri"), clock: -> { Time.now.to_r },
                   monotonic_clock: Revocations::MONOTONIC_CLOCK, **options)
      @settings = Settings.new(env, options)
      @logger = logger
      @clock = clock
      @keys = Keys.new(@settings.secrets.map { |secret| Key.from_secret(secret) })
      @verifier = Verifier.new(keys: @keys, issuer: @settings.issuer, audience: @settings.audience,
                               leeway: @settings.clock_leeway)
      build_followers(monotonic_clock)
      @lock = Mutex.new
      @threads = []
      @pid = Process.pid
      @following = follow
      start
    end

    # @param token [String]
    # @return [Caller]
    # @raise [TokenError]
    def verify(token)
      start
      caller = @verifier.verify(token, @clock.call)
      @revocations&.check(caller.claims)
      caller
    rescue TokenError => e
      @refresher.notify(:unknown_kid) if %i[unknown_key keys_unavailable].include?(e.reason)
      raise
    end

    # Checks times and revocation again, after long work and before its effect.
    #
    # @param caller [Caller]
    # @raise [TokenError]
    def verify_again(caller)
      start
      @verifier.check_times(caller.claims, @clock.call)
      @revocations&.check(caller.claims)
    end

    # @return [Symbol, nil] why the service is not ready: `:keys_unavailable`, `:not_caught_up` or `:stale`
    def not_ready
      start
      # With a secret, keys are awaited for no longer than revocations.
      waits = !@revocations || @revocations.within_catch_up_timeout?
      @revocations&.not_ready || (:keys_unavailable if @keys.empty? || (waits && !@keys.fetched?))
    end

    # @return [Boolean] whether valid tokens are accepted
    def ready?
      not_ready.nil?
    end

    # Stops to follow auth-server.
    def close
      @following = false
      @lock.synchronize { @threads.each(&:kill).each(&:join).clear }
    end

    private

    def build_followers(monotonic_clock)
      server = AuthServer.new(@settings.auth_server_url, @settings.auth_server_ca_file)
      @refresher = KeyRefresher.new(server, @keys, @logger)
      if @settings.feed_secret.nil?
        @logger.warn("FEED_SECRET is not set: a sign-out takes effect here when the access token expires")
        return
      end

      @revocations = Revocations.new(max_staleness: @settings.max_staleness, on_stale: @settings.on_stale,
                                     clock: monotonic_clock)
      @follower = Follower.new(server, @settings.feed_secret, @revocations, logger: @logger) do
        @refresher.notify(:changed)
      end
    end

    # Starts the threads, also in a process that was forked from the one that started them. There it is unknown what was
    # revoked since.
    def start
      return if !@following || started?

      @lock.synchronize do
        next if started?

        @revocations&.restart unless @pid == Process.pid
        @pid = Process.pid
        @threads = { "goptri-keys" => @refresher, "goptri-feed" => @follower }.compact.map do |name, task|
          thread(name) { task.run }
        end
        @threads << thread("goptri-maintenance") { maintain }
      end
    end

    def started?
      @pid == Process.pid && @threads.any? && @threads.all?(&:alive?)
    end

    def thread(name)
      Thread.new do
        Thread.current.name = name
        begin
          yield
        rescue StandardError => e
          @logger.error("#{name} failed and is restarted: #{e.class} at #{e.backtrace&.first}")
          sleep 1
          retry
        end
      end
    end

    def maintain
      (0..).each do |round|
        sleep 1
        @revocations&.sweep(round)
        log_staleness if @revocations&.age
        reload if @settings.secret_files?
      end
    end

    def log_staleness
      stale = @revocations.stale?
      return if stale == (@was_stale || false)

      @was_stale = stale
      return @logger.info("the revocation set is fresh again") unless stale

      effect = { "allow" => "tokens that were revoked since are accepted until they expire",
                 "refuse" => "no token is accepted" }.fetch(@settings.on_stale)
      @logger.error("the revocation set is stale: #{effect}")
    end

    # Accepts a change after two equal reads, so that a partial write is ignored.
    def reload
      changed = @settings.reload
      seen, @seen = @seen, secrets_of(changed)
      return unless seen == @seen && seen != secrets_of(@settings)

      @settings = changed
      @keys.local = changed.secrets.map { |secret| Key.from_secret(secret) }
      @follower&.secret = changed.feed_secret
      @logger.info("the secrets have changed; access tokens are verified with these keys: #{@keys}")
    rescue SettingsError => e
      @logger.error("the secrets are not reloaded: #{e.message}") unless @reload_problem == e.message
      @reload_problem = e.message
    end

    def secrets_of(settings)
      [settings.secrets, settings.feed_secret]
    end
  end
end
