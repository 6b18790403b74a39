# frozen_string_literal: true

require "test_helper"
require "action_controller"
require "rack/mock"

class ControllerTest < Minitest::Test
  class OrdersController < ActionController::API
    include Goptri::Controller

    require_token scope: "orders:read", only: :index
    require_token role: "auditor", only: :audit

    def index
      render plain: current_caller.subject
    end
    alias audit index

    def public
      render plain: "hello #{current_caller&.subject}"
    end
  end

  def call(action, env = {}, guard: @guard ||= guard())
    app = Goptri::Middleware.new(OrdersController.action(action), guard, required: false)
    Rack::MockRequest.new(app).get("/", env)
  end

  def bearer(**more)
    { "HTTP_AUTHORIZATION" => "Bearer #{sign(claims(**more))}" }
  end

  def test_an_action_runs_for_a_caller_with_its_scope_or_role
    assert_equal [200, "user-1"], [call(:index, bearer).status, call(:index, bearer).body]
    response = call(:index, bearer(scope: ""))
    assert_equal [403, 'Bearer error="insufficient_scope", scope="orders:read"'],
                 [response.status, response["WWW-Authenticate"]]
    assert_equal 200, call(:audit, bearer(roles: ["auditor"])).status
    assert_equal [403, 'Bearer error="insufficient_scope"'],
                 [call(:audit, bearer).status, call(:audit, bearer)["WWW-Authenticate"]]
  end

  def test_an_action_does_not_run_without_a_token
    response = call(:index)
    assert_equal [401, "Bearer", "application/json"],
                 [response.status, response["WWW-Authenticate"], response["Content-Type"].split(";").first]
    assert_equal "missing_token", JSON.parse(response.body)["error"]
    assert_equal 400, call(:index, { "HTTP_AUTHORIZATION" => "Bearer a,Bearer b" }).status
  end

  def test_a_public_action_knows_a_caller_with_a_token
    assert_equal "hello ", call(:public).body
    assert_equal "hello user-1", call(:public, bearer).body
    response = call(:public, bearer, guard: guard(feed_secret: FEED_SECRET))
    assert_equal [503, "1"], [response.status, response["Retry-After"]]
  end

  def test_a_controller_outside_the_middleware_rejects_every_request
    assert_raises(KeyError) { OrdersController.action(:index).call(Rack::MockRequest.env_for("/", bearer)) }
  end
end
