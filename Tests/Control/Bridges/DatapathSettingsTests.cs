using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What <c>other_config</c> says of datapaths.</summary>
public sealed class DatapathSettingsTests
{
    [Theory]
    [InlineData("", "Soft vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("mergeflow-offload=kernel mergeflow-shadow=100", "Kernel shadow=100 vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("mergeflow-shadow=2000000000", "Soft shadow=1000000000 vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("mergeflow-shadow=all", "Soft vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("mergeflow-offload=none vlan-limit=0 max-idle=100 flow-limit=5000 flow-restore-wait=true", "None vlans=2 idle=500 limit=5000 restoring=True", 0)]
    [InlineData("mergeflow-offload=magic vlan-limit=2 max-idle=x flow-limit=1", "Soft vlans=2 idle=10000 limit=1000 restoring=False", 1)]
    [InlineData("hw-offload=true", "Kernel vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("hw-offload=true vlan-limit=2", "Kernel vlans=2 idle=10000 limit=200000 restoring=False", 0)]
    [InlineData("hw-offload=true mergeflow-offload=soft", "Soft vlans=1 idle=10000 limit=200000 restoring=False", 0)]
    public void Settings_are_read_and_bounded(string text, string expected, int warnings)
    {
        List<string> said = [];
        DatapathSettings s = DatapathSettings.Of(text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static o => o.Split('=')).ToDictionary(static o => o[0], static o => o[1]), said.Add);
        Assert.Equal(expected, $"{s.Offload}{(s.ShadowOneIn > 0 ? $" shadow={s.ShadowOneIn}" : "")} vlans={s.VlanLimit} idle={s.MaxIdleMs} limit={s.FlowLimit} restoring={s.IsRestoring}");
        Assert.Equal(warnings, said.Count);
    }
}
