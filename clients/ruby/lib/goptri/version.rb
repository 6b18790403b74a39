# frozen_string_literal: true

module Goptri
  VERSION = "0.1.0"
end
