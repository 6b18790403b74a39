# frozen_string_literal: true

require "test_helper"

# The tokens of clients/vectors.json, which are generated with the Rust crate.
class VectorsTest < Minitest::Test
  # Types and values are checked together here, and have other words in the log.
  REASONS = { "json" => %w[wrong_type missing_kid wrong_algorithm invalid_claim], "invalid_claim" => %w[json],
              "too_many_members" => %w[json], "wrong_issuer" => %w[json], "wrong_audience" => %w[json] }.freeze
  FILE = JSON.parse(File.read(File.join(__dir__, "../../vectors.json")))

  def setup
    @now = FILE["now"]
    @guard = guard(issuer: FILE["issuer"], audience: FILE["audience"], secrets: FILE["secrets"],
                   clock_leeway: "#{FILE["leeway"]}s", feed_secret: FEED_SECRET, clock: -> { @now })
    publish(@guard, FILE["jwks"]["keys"])
    @guard.feed.send(:on_event, "revocations", JSON.generate(entries: FILE["revocations"]))
    catch_up(@guard)
  end

  FILE["vectors"].each do |vector|
    define_method("test_#{vector["name"]}") do
      @now = vector["now"]
      caller = nil
      reason = rejection { caller = @guard.verify(vector["token"]) }
      if vector["verdict"] == "accepted"
        assert_nil reason, vector["about"]
        assert_equal vector["claims"], JSON.parse(JSON.generate(caller.to_h))
      else
        assert_includes [vector["reason"], *REASONS[vector["reason"]]], reason.to_s, vector["about"]
      end
    end
  end

  def test_there_are_many_vectors
    assert_operator FILE["vectors"].size, :>=, 120
    assert_equal %w[accepted rejected], FILE["vectors"].map { |vector| vector["verdict"] }.uniq.sort
  end
end
