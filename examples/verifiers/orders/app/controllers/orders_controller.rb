# frozen_string_literal: true

class OrdersController < ActionController::API
  include Goptri::Controller

  ORDERS = [
    { id: 1, item: "Lens cap", quantity: 2 },
    { id: 2, item: "Tripod", quantity: 1 },
    { id: 3, item: "Camera strap", quantity: 1 }
  ].freeze

  require_token only: :index

  # GET /orders
  def index
    render json: { orders: ORDERS, caller: current_caller.to_h }
  end

  # GET /unguarded
  def unguarded
    render json: { orders: ORDERS }
  end
end
