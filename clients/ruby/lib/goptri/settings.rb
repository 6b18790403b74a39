# frozen_string_literal: true

module Goptri
  # The settings of a {Guard}, which are those of api-server (docs/configuration.md).
  class Settings
    UNITS = { "s" => 1, "m" => 60, "h" => 3600, "d" => 86_400 }.freeze
    # The seconds of a text such as `30s`; nil for another text.
    SECONDS = lambda do |text|
      number, unit = text.match(/\A(\d{1,9})([smhd])\z/)&.captures
      text == "0" ? 0 : unit && (number.to_i * UNITS.fetch(unit))
    end

    # Plain http is for these hosts only.
    local = /localhost|127\.0\.0\.1|\[::1\]/
    ip = /(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d+)+|\[f[cde]\h\h:[\h:]+\]/
    nearby = /#{local}|#{ip}|[\w-]+|[\w.-]+\.(?:localhost|local|internal)/
    public_url, nearby_url = [local, nearby].map do |hosts|
      %r{\A(?:https://[^\s@?#/]+|http://(?:#{hosts})(?::\d+)?)(?:/[^\s@?#]*[^\s@?#/])?\z}
    end
    origin = %r{(?:https://[a-z0-9.-]+|http://(?:#{local}))(?::\d+)?}
    origins = /\A#{origin}(?:\s*,\s*#{origin})*\z/
    secrets = ->(text) { text.b.match?(/\A[^\s,]{32,}(?:,[^\s,]{32,})*\z/n) }
    cookie = /\A(?:__(?:Host|Secure)-)?(?!__|refresh\z)[\w-]{1,64}\z/
    domain = /\A(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*\z/
    leeway = ->(text) { (0..300).cover?(SECONDS.(text)) }
    staleness = ->(text) { (6..).cover?(SECONDS.(text)) }

    # The variable of each option of {Guard#initialize}, its default, what it matches, and that in
    # words.
    OPTIONS = {
      issuer: ["ISSUER", "http://localhost:4000", public_url, "an https URL, or http on localhost"],
      audience: ["AUDIENCE", "http://localhost:3000", /\A[^[:space:]]+\z/, "a name without spaces"],
      secrets: ["ACCESS_TOKEN_SECRET", nil, secrets, "secrets of at least 32 bytes"],
      feed_secret: ["FEED_SECRET", nil, secrets, "secrets of at least 32 bytes"],
      auth_server_url: ["AUTH_SERVER_URL", nil, nearby_url, "https, or http on a private network"],
      auth_server_ca_file: ["AUTH_SERVER_CA_FILE", nil, File.method(:readable?), "a readable file"],
      clock_leeway: ["CLOCK_LEEWAY", "30s", leeway, "a duration of at most 5m"],
      max_staleness: ["REVOCATION_MAX_STALENESS", "60s", staleness, "a duration of more than 5s"],
      on_stale: ["ON_STALE", "allow", /\A(?:allow|refuse)\z/, "allow or refuse"],
      session_cookie_name: ["SESSION_COOKIE_NAME", "session", cookie, "letters, digits, - and _"],
      session_cookie_domain: ["SESSION_COOKIE_DOMAIN", nil, domain, "a domain"],
      allowed_origins: ["CORS_ORIGINS", nil, origins, "origins such as https://app.example.com"]
    }.freeze

    attr_reader(*OPTIONS.keys)

    # @param env [Hash{String => String}] environment variables; an empty one counts as not set
    # @param options [Hash] options that replace variables: texts, or lists of texts
    # @raise [SettingsError]
    # @raise [KeyError] for an unknown option
    def initialize(env, options = {})
      OPTIONS.fetch_values(*options.keys)
      @errors = []
      OPTIONS.each do |option, (name, default, pattern, meaning)|
        text = options[option] ? Array(options[option]).join(",") : read(env, name) || default
        valid = text.nil? || (text.valid_encoding? && pattern === text)
        @errors << "#{name} must be #{meaning}" unless valid
        instance_variable_set("@#{option}", text)
      end
      @errors << "set ACCESS_TOKEN_SECRET or AUTH_SERVER_URL" if [secrets, auth_server_url].none?
      @errors << "AUDIENCE must not be the same as ISSUER" if audience == issuer
      lists = [secrets, feed_secret].map { |text| text.to_s.b.split(",") }
      @errors << "FEED_SECRET must not be one of ACCESS_TOKEN_SECRET" if lists.reduce(:intersect?)
      raise SettingsError, "invalid configuration:\n  #{@errors.join("\n  ")}" if @errors.any?

      convert
    end

    # @return [String] without the secrets
    def inspect = "#<#{self.class}>"

    private

    def read(env, name)
      text, file = env.values_at(name, "#{name}_FILE").map { |value| value unless value == "" }
      return text unless file && name.end_with?("SECRET")

      @errors << "#{name} and #{name}_FILE are both set" if text
      File.binread(file).sub(/\r?\n\z/n, "")
    rescue SystemCallError => e
      @errors << "#{name}_FILE cannot be read: #{e.class}"
      nil
    end

    def convert
      @secrets = secrets.to_s.split(",")
      @feed_secret = feed_secret&.split(",")&.first
      @auth_server_url ||= issuer
      @clock_leeway = SECONDS.(clock_leeway)
      @max_staleness = SECONDS.(max_staleness)
      own_origins = [issuer, audience].filter_map { |url| url[%r{\Ahttps?://[^/]+}] }
      @allowed_origins = own_origins + allowed_origins.to_s.split(",").map(&:strip)
      prefix = session_cookie_domain ? "__Secure-" : "__Host-"
      prefix = "" if issuer.start_with?("http:")
      @session_cookie_name = prefix + session_cookie_name.sub(/\A__(?:Host|Secure)-/, "")
    end
  end
end
