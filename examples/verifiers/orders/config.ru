# frozen_string_literal: true

require_relative "config/application"

Orders::Application.initialize!
run Rails.application
