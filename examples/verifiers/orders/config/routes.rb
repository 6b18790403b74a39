# frozen_string_literal: true

Rails.application.routes.draw do
  get "orders", to: "orders#index"
  get "unguarded", to: "orders#unguarded"
  get "readyz", to: "health#ready"
end
