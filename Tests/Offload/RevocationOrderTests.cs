using Xunit;

namespace Mergeflow.Tests;

/// <summary>What has to be behind what when rules are revoked.</summary>
public sealed class RevocationOrderTests
{
    /// <summary>m07: a gate is not opened again before its rules are out of the table, or they are in use once more.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rules_are_taken_out_behind_a_shut_gate(bool byPort)
    {
        using Chain chain = Chain.Tracked(Chain.Tcp());
        FakeLedger ledger = new(chain.Flows);
        List<bool> open = [];
        SoftOffloadProvider device = new(16);
        WatchedProvider provider = new(device) { Destroying = r => open.Add(device.Gates!.IsOpen(r.Gate)) };
        PmdOffload pmd = new(device.Tables[0]);
        using OffloadThread thread = new(pmd, chain.Flows, ledger, ledger, provider);
        chain.Submit(pmd);
        thread.Step(0);
        MergedFlow rule = Assert.Single(thread.Report.Rules());
        Assert.True(device.Gates!.IsOpen(rule.Gate));
        if (byPort) thread.OnPortRemoved(rule.Ports[0]);
        else thread.OnMegaflowDeleted(rule.Passes[0].MegaflowId);
        Assert.Empty(open);
        thread.Step(0);
        Assert.Equal([false], open);
        Assert.True(device.Gates.AreOpen);
        Assert.Empty(thread.Report.Rules());
    }
}
