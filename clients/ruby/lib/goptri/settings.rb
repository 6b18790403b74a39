# frozen_string_literal: true

module Goptri
  # The settings are invalid. The message names every invalid variable, and contains no secret.
  class SettingsError < ArgumentError; end

  # The settings of a {Guard}, which are those of api-server (docs/configuration.md).
  class Settings
    include Opaque

    # The option of {Guard#initialize} for each variable.
    OPTIONS = {
      issuer: "ISSUER", audience: "AUDIENCE", secrets: "ACCESS_TOKEN_SECRET", feed_secret: "FEED_SECRET",
      auth_server_url: "AUTH_SERVER_URL", auth_server_ca_file: "AUTH_SERVER_CA_FILE", clock_leeway: "CLOCK_LEEWAY",
      max_staleness: "REVOCATION_MAX_STALENESS", on_stale: "ON_STALE", session_cookie_name: "SESSION_COOKIE_NAME",
      session_cookie_domain: "SESSION_COOKIE_DOMAIN", allowed_origins: "CORS_ORIGINS"
    }.freeze
    UNITS = { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, "d" => 86_400 }.freeze
    # Values that are pasted from tutorials, also when they are repeated.
    WELL_KNOWN = %w[secret asdf changeme change-me change_me password test default example 0123456789 1234567890
                    your-256-bit-secret a-string-secret-at-least-256-bits-long your_secret_key supersecret].freeze
    private_constant :UNITS, :WELL_KNOWN

    attr_reader(*OPTIONS.keys)

    # @param env [Hash{String => String}] environment variables; an empty one counts as not set
    # @param options [Hash] options that replace variables: texts, lists, or numbers of seconds
    # @raise [SettingsError]
    def initialize(env, options = {})
      given = options.reject { |_, value| value.nil? || value == [] }
      given = given.to_h { |name, value| [OPTIONS.fetch(name), text_of(value)] }
      set = env.to_h.reject { |_, value| value.to_s.empty? }
      @env = set.except(*given.keys.map { |name| "#{name}_FILE" }).merge(given)
      @errors = []
      read_names
      read_secrets
      read_limits
      read_cookie
      return if @errors.empty?

      raise SettingsError, "invalid configuration:\n  #{@errors.uniq.join("\n  ")}"
    end

    # @return [Boolean] whether one of the secrets is in a file
    def secret_files?
      %w[ACCESS_TOKEN_SECRET FEED_SECRET].any? { |name| @env.key?("#{name}_FILE") }
    end

    # @return [Settings] the same settings, with the secrets that the files have now
    # @raise [SettingsError]
    def reload
      self.class.new(@env)
    end

    # @return [String, nil] the origin of a URL as browsers send it
    def self.origin(url)
      uri = URI.parse(url)
      return unless uri.is_a?(URI::HTTP) && uri.host

      "#{uri.scheme}://#{uri.host.downcase}#{":#{uri.port}" unless uri.port == uri.default_port}"
    rescue URI::InvalidURIError
      nil
    end

    private

    def text_of(value)
      value.is_a?(Numeric) ? "#{(value * 1000).to_i}ms" : Array(value).join(",")
    end

    # Calls the block with the value of a variable or its default. A text that the block returns is the problem.
    def read(name, default = nil)
      text = @env.fetch(name, default)&.dup&.force_encoding(Encoding::UTF_8)
      problem = text && !text.valid_encoding? ? "is not encoded as UTF-8" : text && yield(text)
      @errors << "#{name} #{problem}" if problem.is_a?(String)
      text
    end

    def read_names
      @issuer = read("ISSUER", "http://localhost:4000") { |text| base_url_problem(text) }
      @audience = read("AUDIENCE", "http://localhost:3000") do |text|
        next "is the same as ISSUER; give the application a name of its own" if text == @issuer

        "is #{text.inspect}; it is one name without white space" if text.empty? || text.match?(/[[:space:]]|\p{Cc}/)
      end
      @auth_server_url = read("AUTH_SERVER_URL") { |text| base_url_problem(text, private_http: true) } || @issuer
      @auth_server_ca_file = read("AUTH_SERVER_CA_FILE") do |path|
        OpenSSL::X509::Store.new.add_file(path)
        nil
      rescue OpenSSL::X509::StoreError
        "names the file #{path.inspect}, which has no certificates in PEM"
      end
    end

    def base_url_problem(text, private_http: false)
      return "is a URL with a user or a password in it; leave them out" if text.include?("@")

      uri = URI.parse(text)
      return "is #{text.inspect}; it starts with https://" unless uri.is_a?(URI::HTTP) && uri.host

      near = private_http ? private_host?(uri.hostname) : local?(uri)
      where = private_http ? "private networks" : "localhost"
      return "is #{text.inspect}; plain http is for #{where} only" unless near || uri.scheme == "https"

      "is #{text.inspect}; it has no query, no fragment, and no slash at its end" if text.match?(%r{[?#]|/\z})
    rescue URI::InvalidURIError
      "is #{text.inspect}, which is not a URL"
    end

    def local?(uri)
      ["localhost", "127.0.0.1", "[::1]"].include?(uri.host)
    end

    def private_host?(name)
      address = IPAddr.new(name)
      address.loopback? || address.private? || address.link_local?
    rescue IPAddr::Error
      !name.include?(".") || name.end_with?(".localhost", ".local", ".internal")
    end

    def read_secrets
      @secrets = secret_list("ACCESS_TOKEN_SECRET")
      feed_secrets = secret_list("FEED_SECRET")
      @feed_secret = feed_secrets.first
      @errors << "FEED_SECRET is identical to ACCESS_TOKEN_SECRET" if @secrets.intersect?(feed_secrets)
      return if @env.keys.intersect?(%w[ACCESS_TOKEN_SECRET ACCESS_TOKEN_SECRET_FILE AUTH_SERVER_URL])

      @errors << "ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL, whose public keys would do as well; " \
                 "set one of them"
    end

    def secret_list(name)
      file = "#{name}_FILE"
      @errors << "#{name} and #{file} are both set; set only one of them" if @env.key?(name) && @env.key?(file)
      text = secret_text(name, file)&.force_encoding(Encoding::UTF_8) or return []
      secrets = text.valid_encoding? ? text.split(",", -1) : [text]
      problem = text.empty? ? "is empty" : secrets.filter_map { |secret| weakness(secret) }.first
      problem ||= "has the same secret twice" if secrets.uniq!
      @errors << "#{@env.key?(file) ? file : name} #{problem}" if problem
      secrets
    end

    def secret_text(name, file)
      return @env[name]&.dup unless @env.key?(file)

      File.binread(@env[file]).sub(/\r?\n\z/n, "")
    rescue SystemCallError => e
      @errors << "#{file} names a file that cannot be read: #{e.class.name.delete_prefix("Errno::")}"
      nil
    end

    # Contains no part of the secret.
    def weakness(secret)
      return "is not UTF-8 without a byte order mark" if !secret.valid_encoding? || secret.start_with?("\ufeff")

      lower = secret.downcase(:ascii)
      known = WELL_KNOWN.any? { |text| lower.include?(text) && lower.gsub(text, "").bytesize * 4 <= lower.bytesize }
      return "is a well-known default" if known
      return "is #{secret.bytesize} bytes long; it needs at least 32" if secret.bytesize < 32
      return "contains white space or control characters" if secret.match?(/[[:space:]]|\p{Cc}/)

      "repeats a few characters" if secret.bytes.uniq.size < 8
    end

    def read_limits
      @clock_leeway = duration("CLOCK_LEEWAY", "30s") do |seconds|
        "is more than 5m, the most that is safe" if seconds > 300
      end
      @max_staleness = duration("REVOCATION_MAX_STALENESS", "60s") do |seconds|
        "must be longer than 5s, the time between two heartbeats of the feed" if seconds <= 5
      end
      @on_stale = read("ON_STALE", "allow") do |text|
        "is #{text.inspect}; it is either allow or refuse" unless %w[allow refuse].include?(text)
      end
    end

    def duration(name, default)
      seconds = 0
      read(name, default) do |text|
        number, unit = text.match(/\A(\d{1,12})(ms|s|m|h|d)\z|\A0\z/)&.captures
        next "is #{text.inspect}; a duration is written like 30s, 15m, 1h or 7d" unless number || text == "0"

        seconds = number.to_i * UNITS.fetch(unit, 0)
        yield seconds
      end
      seconds
    end

    def read_cookie
      @session_cookie_domain = read("SESSION_COOKIE_DOMAIN") { |text| domain_problem(text) }
      @session_cookie_name = read("SESSION_COOKIE_NAME", "session") { |text| cookie_problem(text) }
      @session_cookie_name = cookie_prefix + @session_cookie_name.delete_prefix(cookie_prefix)
      listed = []
      read("CORS_ORIGINS", "") do |text|
        listed = text.strip.empty? ? [] : text.split(",", -1).map(&:strip)
        invalid = listed.reject { |origin| origin?(origin) }
        "contains #{invalid.size} texts that are no origins such as https://app.example.com" if invalid.any?
      end
      @allowed_origins = [self.class.origin(@issuer), self.class.origin(@audience), *listed].compact.uniq
    end

    # Whether browsers send this text in `Origin`, over TLS or on this machine.
    def origin?(text)
      self.class.origin(text) == text && (text.start_with?("https:") || local?(URI.parse(text)))
    end

    def cookie_prefix
      return "" if @issuer.start_with?("http:")

      @session_cookie_domain ? "__Secure-" : "__Host-"
    end

    def cookie_problem(text)
      base = text.sub(/\A__(?:Host|Secure)-/, "")
      unless base.match?(/\A(?!__)[a-zA-Z0-9_-]{1,64}\z/)
        return "is #{text.inspect}; a name has 1 to 64 letters, digits, hyphens and underscores"
      end
      return "is #{text.inspect}, which is the cookie of the refresh token" if base == "refresh"

      allowed = cookie_prefix.empty? || [base, cookie_prefix + base].include?(text)
      "is #{text.inspect}; with these settings it is #{cookie_prefix}#{base}" unless allowed
    end

    def domain_problem(text)
      return "needs an https ISSUER" if @issuer.start_with?("http:")
      unless text.match?(/\A(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*\z/)
        return "is #{text.inspect}, which is no domain such as example.com"
      end

      host = self.class.origin(@issuer).to_s[%r{\Ahttps://([^:]*)}, 1].to_s
      "is #{text.inspect}; the host of ISSUER is not in that domain" unless host == text || host.end_with?(".#{text}")
    end
  end
end
