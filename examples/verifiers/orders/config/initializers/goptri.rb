# frozen_string_literal: true

begin
  guard = Goptri::Guard.from_env(ENV, logger: Rails.logger)
rescue Goptri::SettingsError => e
  abort e.message
end

Rails.application.config.x.guard = guard
# Each controller says what its routes need.
Rails.application.config.middleware.use Goptri::Middleware, guard, required: false
