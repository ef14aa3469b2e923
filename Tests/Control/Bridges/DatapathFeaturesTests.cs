using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

public sealed class DatapathFeaturesTests
{
    [Fact]
    public void What_is_taken_away_is_shown_and_what_never_was_there_cannot_be_given()
    {
        DatapathFeatures features = new();
        Assert.Contains("Truncate action: Yes\n", features.Show(), StringComparison.Ordinal);
        Assert.Equal("", features.Set("trunc", "false"));
        Assert.Equal("trunc (Truncate action) : [run time]:false, [boot time]:true\n", features.Set("trunc", null));
        Assert.False(features.Truncates);
        Assert.Contains("Truncate action: No\n", features.Show(), StringComparison.Ordinal);
        Assert.Equal("", features.Set("trunc", "true"));
        Assert.Equal("Can not enable features not supported by the datapth", features.Set("ct_eventmask", "true"));
        Assert.Equal("Can not set value beyond the datapath capability", features.Set("max_hash_alg", "2"));
        Assert.Equal("Integer number expected", features.Set("max_hash_alg", "x"));
        Assert.Equal("Boolean value expected", features.Set("clone", "7"));
        Assert.Equal("Unexpected support field", features.Set("nonsense", "true"));
        Assert.Contains("ct_state_nat (CT state NAT) : [run time]:true, [boot time]:true\n", features.Set(null, null), StringComparison.Ordinal);
    }
}
