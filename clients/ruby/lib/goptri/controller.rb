# frozen_string_literal: true

require "active_support/concern"

module Goptri
  # For Rails controllers behind {Middleware} with `required: false`.
  #
  # @example
  #   class OrdersController < ActionController::API
  #     include Goptri::Controller
  #     require_token scope: "orders:read", only: :index
  #   end
  module Controller
    extend ActiveSupport::Concern

    included { rescue_from Error, with: :render_protocol_error }

    class_methods do
      # Rejects requests without a valid token before the action runs.
      #
      # @param scope [String, nil] a scope that the token must have
      # @param role [String, nil] a role that the user must have
      # @param options [Hash] those of `before_action`
      def require_token(scope: nil, role: nil, **options)
        before_action(**options) { goptri.authenticate!(scope: scope, role: role) }
      end
    end

    # @return [Caller, nil] the caller of the request; nil without a valid token
    def current_caller = goptri.caller

    private

    def goptri = request.env.fetch("goptri.authentication")

    def render_protocol_error(error)
      status, headers, body = error.to_rack
      headers.each { |name, value| response.set_header(name, value) }
      render json: body.first, status: status
    end
  end
end
