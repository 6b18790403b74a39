# frozen_string_literal: true

module Goptri
  # Rack middleware. Routes find the {Authentication} in `env["goptri.authentication"]`, and the
  # verified {Caller} in `env["goptri.caller"]`.
  #
  # @example
  #   use Goptri::Middleware, Goptri::Guard.from_env
  class Middleware
    # @param app [#call]
    # @param guard [Guard]
    # @param required [Boolean] whether every route needs a token; otherwise each route decides
    def initialize(app, guard, required: true)
      @app = app
      @guard = guard
      @required = required
    end

    # @param env [Hash] the Rack environment
    # @return [Array] the response
    def call(env)
      authentication = env["goptri.authentication"] = Authentication.new(@guard, env)
      env.delete("goptri.caller")
      authentication.authenticate! if @required
      status, headers, body = @app.call(env)
      [status, authentication.mark(headers), body]
    rescue Error => e
      status, headers, body = e.to_rack
      [status, authentication.mark(headers), env["REQUEST_METHOD"] == "HEAD" ? [] : body]
    end
  end

  # The authentication of one request. It verifies the token when a route asks for it.
  Authentication = Struct.new(:guard, :env) do
    # @param scope [String, nil] a scope that the token must have
    # @param role [String, nil] a role that the user must have
    # @return [Caller]
    # @raise [Error] that {Middleware} and {Controller} turn into the response 401, 403, 400 or 503
    def authenticate!(scope: nil, role: nil)
      caller = env["goptri.caller"] ||= guard.verify(token)
      permitted = (scope.nil? || caller.scope?(scope)) && (role.nil? || caller.role?(role))
      permitted ? caller : raise(Error.new(:insufficient_scope, scope: scope))
    rescue Error => e
      guard.logger.info("request rejected: #{e.message}")
      raise
    end

    # The caller of a route that is also for anonymous callers.
    #
    # @return [Caller, nil] nil without a valid token
    # @raise [Error] for a response 400, 403 or 503
    def caller
      authenticate!
    rescue Error => e
      raise unless e.status == 401
    end

    # Adds the headers that keep a response out of caches, if it depends on cookies.
    #
    # @param headers [Hash] the headers of the response
    # @return [Hash]
    def mark(headers)
      return headers unless @cookies_read

      headers = (defined?(Rack::Headers) ? Rack::Headers : Rack::Utils::HeaderHash)[headers]
      headers["cache-control"] = "private, no-store" if @cookie_used
      headers["vary"] = [*headers["vary"], "Sec-Fetch-Site, Origin, Cookie"].join(", ")
      headers
    end

    # @return [String] without the token
    def inspect = "#<#{self.class}>"

    private

    def token
      authorization = env["HTTP_AUTHORIZATION"] or return from_cookie
      # Rack servers join several headers with commas, which no token contains.
      raise Error, :invalid_request if authorization.include?(",")

      scheme, token = authorization.b.lstrip.split(/ /n, 2)
      raise Error, :missing_token unless scheme&.casecmp?("Bearer")

      token.to_s.sub(/\A +/n, "").rstrip
    end

    # Another host of the domain may have planted a second cookie of the name.
    def from_cookie
      @cookies_read = true
      name = "#{guard.settings.session_cookie_name}="
      pairs = env["HTTP_COOKIE"].to_s.b.split(";").map(&:strip)
      value, *more = pairs.select { |pair| pair.start_with?(name) }
      raise Error, :missing_token unless value

      @cookie_used = true
      Strict.invalid("two cookies") if more.any?
      # First, so that a page of another site does not learn whether the cookie is valid.
      raise Error, :cross_site_request unless may_use_cookies?

      decode(value.delete_prefix(name))
    end

    def may_use_cookies?
      # A page of another origin can open a WebSocket with a GET, and read its messages.
      method = env.key?("HTTP_SEC_WEBSOCKET_VERSION") ? "CONNECT" : env["REQUEST_METHOD"]
      %w[GET HEAD OPTIONS].include?(method) ||
        %w[same-origin none].include?(env["HTTP_SEC_FETCH_SITE"]) ||
        guard.settings.allowed_origins.include?(env["HTTP_ORIGIN"])
    end

    # The cookie is base64 of `{"jwt": "<access token>"}`, and the token is written without escapes.
    def decode(value)
      json = value.bytesize <= 4096 ? Strict.base64(value) : Strict.invalid("long cookie")
      token = Strict.object(json)["jwt"]
      plain = token.is_a?(String) && json.include?(%("#{token}").b)
      plain ? token : Strict.invalid("malformed cookie")
    end
  end
end
