# frozen_string_literal: true

class HealthController < ActionController::API
  include Goptri::Controller

  # GET /readyz
  def ready
    reason = Rails.configuration.x.guard.not_ready
    raise Goptri::Error.new(:temporarily_unavailable, reason) if reason

    render json: { status: "ok" }
  end
end
