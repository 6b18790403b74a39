# frozen_string_literal: true

class HealthController < ActionController::API
  include Goptri::Controller

  # GET /readyz
  def ready
    reason = Rails.configuration.x.guard.not_ready
    return render json: { status: "ok" } unless reason

    logger.info "not ready: #{reason}"
    render_protocol_error Goptri::ProtocolError::UNAVAILABLE
  end
end
