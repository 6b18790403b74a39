# frozen_string_literal: true

module Goptri
  # For Rails controllers behind {Middleware} with `required: false`.
  #
  # @example
  #   class OrdersController < ActionController::API
  #     include Goptri::Controller
  #     require_token scope: "orders:read", only: :index
  #   end
  module Controller
    # Adds {ClassMethods} to the controller.
    def self.included(controller)
      controller.extend(ClassMethods)
    end

    # Declarations in the class of a controller.
    module ClassMethods
      # Rejects requests without a valid token before the action runs.
      #
      # @param scope [String, nil] a scope that the token must have
      # @param role [String, nil] a role that the user must have
      # @param options [Hash] those of `before_action`
      def require_token(scope: nil, role: nil, **options)
        before_action(**options) do
          error = catch(:goptri) { goptri.authenticate!(scope: scope, role: role) && nil }
          render_protocol_error(error) if error
        end
      end
    end

    # @return [Caller, nil] the caller of the request; nil without a valid token
    def current_caller
      goptri.caller
    end

    # Renders an error in the form of all others.
    #
    # @param error [ProtocolError]
    def render_protocol_error(error)
      status, headers, body = error.to_rack
      headers.each { |name, value| response.headers[name] = value }
      render body: body.first, status: status
    end

    private

    # @return [Authentication]
    def goptri
      request.env.fetch("goptri.authentication") { raise KeyError, "Goptri::Middleware is not in the middleware stack" }
    end
  end
end
