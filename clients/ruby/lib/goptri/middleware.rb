# frozen_string_literal: true

module Goptri
  # Rack middleware. Routes find the {Authentication} of a request in `env["goptri.authentication"]`, and the verified
  # {Caller} in `env["goptri.caller"]`.
  #
  # @example
  #   use Goptri::Middleware, Goptri::Guard.from_env
  class Middleware
    # @param app [#call]
    # @param guard [Guard]
    # @param required [Boolean] whether every route needs a valid token; otherwise each route decides
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
      response = nil
      error = catch(:goptri) do
        authentication.authenticate! if @required
        response = @app.call(env)
        nil
      end
      status, headers, body = error ? error.to_rack : response
      body = [] if error && env["REQUEST_METHOD"] == "HEAD"
      [status, authentication.mark(headers), body]
    end
  end
end
