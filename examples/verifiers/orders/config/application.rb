# frozen_string_literal: true

ENV["RAILS_ENV"] ||= "production"

require "rails"
require "action_controller/railtie"
require "goptri"

# An API that lists orders for callers with a valid access token.
module Orders
  class Application < Rails::Application
    config.load_defaults 6.1
    config.api_only = true
    config.eager_load = true
    # Nothing is signed or encrypted with it: the service has no sessions of its own.
    config.secret_key_base = SecureRandom.hex(32)
    config.filter_parameters += [/token/, /jwt/, /secret/, /password/]
    config.logger = Logger.new($stderr)
    config.log_level = :info
  end
end
