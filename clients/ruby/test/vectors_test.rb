# frozen_string_literal: true

require "test_helper"

# The tokens of clients/vectors.json, which are generated with the Rust crate.
class VectorsTest < Minitest::Test
  # Nesting is checked before members are counted.
  REASONS = { "nesting_300_objects" => "json" }.freeze
  FILE = JSON.parse(File.read(File.join(__dir__, "../../vectors.json")))

  def setup
    @now = FILE["now"]
    @guard = guard(issuer: FILE["issuer"], audience: FILE["audience"], secrets: FILE["secrets"],
                   clock_leeway: FILE["leeway"], feed_secret: FEED_SECRET, clock: -> { @now })
    @guard.keys.published = Goptri::Keys.parse(JSON.generate(FILE["jwks"])) { |reason| flunk reason }
    FILE["revocations"].each { |entry| assert @guard.revocations.insert(entry) }
    @guard.revocations.known_as_of(@guard.revocations.clock.call)
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
        assert_equal REASONS.fetch(vector["name"], vector["reason"]), reason.to_s, vector["about"]
      end
    end
  end

  def test_there_are_many_vectors
    assert_operator FILE["vectors"].size, :>=, 120
    assert_equal %w[accepted rejected], FILE["vectors"].map { |vector| vector["verdict"] }.uniq.sort
  end
end
