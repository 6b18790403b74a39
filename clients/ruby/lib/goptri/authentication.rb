# frozen_string_literal: true

module Goptri
  # The authentication of one request, in `env["goptri.authentication"]`. It verifies the token at the first call.
  class Authentication
    include Opaque

    # @param guard [Guard]
    # @param env [Hash] the Rack environment
    def initialize(guard, env)
      @guard = guard
      @env = env
    end

    # The caller of a route that needs one. Otherwise the {Middleware} responds 401, 403, 400 or 503 at once.
    #
    # @param scope [String, nil] a scope that the token must have
    # @param role [String, nil] a role that the user must have
    # @return [Caller]
    def authenticate!(scope: nil, role: nil)
      verify
      throw :goptri, @error if @error
      throw :goptri, ProtocolError::INSUFFICIENT_SCOPE.for_scope(scope) if scope && !@caller.scope?(scope)
      throw :goptri, ProtocolError::INSUFFICIENT_SCOPE if role && !@caller.role?(role)
      @caller
    end

    # The caller of a route that is also for anonymous callers. Still responds 400, 403 or 503 as {#authenticate!}.
    #
    # @return [Caller, nil] nil without a valid token
    def caller
      verify
      throw :goptri, @error if @error && @error.status != 401
      @caller
    end

    # Adds the headers that keep a response out of caches, if it depends on cookies.
    #
    # @param headers [Hash] the headers of the response
    # @return [Hash]
    def mark(headers)
      return headers if @carrier.nil? || @carrier == :header

      headers = Goptri.headers(headers)
      headers["Cache-Control"] = "private, no-store" if @carrier == :cookie
      headers["Vary"] = [*headers["Vary"], "Sec-Fetch-Site, Origin, Cookie"].join(", ")
      headers
    end

    private

    def verify
      return if @verified

      @caller = @env["goptri.caller"] = authorization ? from_header : from_cookie
      # Last, so that a call after another exception, such as a timeout, verifies again.
      @verified = true
    rescue TokenError => e
      @guard.logger.info("access token rejected: #{e.message}")
      @error = e.protocol_error
      @verified = true
    end

    def authorization
      @env["HTTP_AUTHORIZATION"]
    end

    def reject(error)
      @error = error
      nil
    end

    # Rack servers join several headers with commas, which no token contains.
    def from_header
      @carrier = :header
      return reject(ProtocolError::TWO_CREDENTIALS) if authorization.include?(",")

      scheme, token = authorization.b.sub(/\A[ \t]+/n, "").split(/ /n, 2)
      return from_bearer(token.to_s) if scheme&.casecmp?("Bearer")

      @carrier = :nothing
      reject(ProtocolError::MISSING_TOKEN)
    end

    def from_bearer(token)
      # First, so that a long token costs nothing.
      raise TokenError, :too_long if token.bytesize > Verifier::MAX_TOKEN_BYTES

      @guard.verify(Strict.rstrip(token.sub(/\A +/n, "")))
    end

    def from_cookie
      @carrier = :cookie
      value = SessionCookie.find(@env["HTTP_COOKIE"], @guard.settings.session_cookie_name)
      if value.nil?
        @carrier = :nothing
        return reject(ProtocolError::MISSING_TOKEN)
      end
      # First, so that a page of another site does not learn whether the cookie is valid.
      return reject(ProtocolError::CROSS_SITE) unless may_use_cookies?

      @guard.verify(SessionCookie.token(value))
    end

    def may_use_cookies?
      %w[GET HEAD OPTIONS].include?(@env["REQUEST_METHOD"]) ||
        %w[same-origin none].include?(@env["HTTP_SEC_FETCH_SITE"]) ||
        @guard.settings.allowed_origins.include?(@env["HTTP_ORIGIN"])
    end
  end
end
