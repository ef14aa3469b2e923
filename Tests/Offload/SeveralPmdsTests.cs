using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>One offload thread for two packet threads: whose rules, whose megaflows, whose turn.</summary>
public sealed class SeveralPmdsTests : IDisposable
{
    private readonly Chain _chain = Tracked(Tcp());
    private readonly FakeLedger _ledger;

    public SeveralPmdsTests()
    {
        _ledger = new FakeLedger(_chain.Flows);

        // The second thread has made the same megaflows in the same slots of a table of its own.
        FlowKey second = Tcp();
        second.RecircId = Be32.FromHost(1);
        second.CtState = Established().State;
        FlowKey secondMask = BaseMask;
        secondMask.CtState = (CtState)0xff;
        _chain.Flows.Set(MegaflowId.Of(1, 1), 1, Tcp(), BaseMask, CtAction(), Recirc(1));
        _chain.Flows.Set(MegaflowId.Of(1, 2), 1, second, secondMask, Output(2));
    }

    public void Dispose() => _chain.Dispose();

    [Fact]
    public void The_same_flow_on_two_threads_is_a_rule_in_each_of_their_tables()
    {
        using SoftOffloadProvider provider = new(16, tableCount: 2);
        PmdOffload[] pmds = Ends(provider);
        using OffloadThread thread = Thread(pmds, provider);
        SubmitToBoth(pmds);
        thread.Step(0);
        Assert.Equal((2, 1, 1), (thread.RuleCount, provider.Tables[0].Count, provider.Tables[1].Count));

        Assert.True(provider.Tables[1].TryHit(Tcp(), 100, 1));
        thread.Settle(1);
        Assert.Equal(
            [(MegaflowId.Of(1, 1), 1ul, 100ul), (MegaflowId.Of(1, 2), 1ul, 100ul)],
            _ledger.Megaflows.Select(static m => (m.Key, m.Value.Packets, m.Value.Bytes)).Order());
    }

    [Fact]
    public void What_one_thread_revokes_the_other_keeps()
    {
        using SoftOffloadProvider provider = new(16, tableCount: 2);
        PmdOffload[] pmds = Ends(provider);
        using OffloadThread thread = Thread(pmds, provider);
        SubmitToBoth(pmds);
        thread.Step(0);
        thread.OnMegaflowDeleted(MegaflowId.Of(1, 1));
        Assert.Equal((true, false), (provider.Tables[0].TryHit(Tcp(), 100, 1), provider.Tables[1].TryHit(Tcp(), 100, 1)));
        thread.Settle(1);
        Assert.Equal((1, 0), (provider.Tables[0].Count, provider.Tables[1].Count));
        Assert.True(provider.Tables[0].TryHit(Tcp(), 100, 1));
    }

    [Fact]
    public void A_device_with_one_table_takes_the_flow_once()
    {
        using EmulatedNic nic = new(NicProfile.Load("ideal"));
        PmdOffload[] pmds = [new(null), new(null) { Index = 1 }];
        using OffloadThread thread = Thread(pmds, new NicOffloadProvider(nic));
        SubmitToBoth(pmds);
        thread.Settle(0);
        Assert.Equal(1, nic.RuleCount);
        Assert.Equal(1ul, thread.Stats.Refused.Packets(OffloadReason.AlreadyOffloaded));
    }

    [Fact]
    public void Room_is_made_in_the_table_that_is_full()
    {
        using SoftOffloadProvider provider = new(1, tableCount: 2);
        PmdOffload[] pmds = Ends(provider);
        using OffloadThread thread = Thread(pmds, provider);
        SubmitToBoth(pmds);
        thread.Settle(0);
        using Chain other = Tracked(Tcp(sport: 2000), Established(conn: 8));
        other.Submit(pmds[1], flowHash: 2);
        thread.Settle(10_000);
        other.Submit(pmds[1], flowHash: 2);
        thread.Settle(20_000);
        Assert.Equal((true, false, true), (provider.Tables[0].TryHit(Tcp(), 100, 1), provider.Tables[1].TryHit(Tcp(), 100, 1), provider.Tables[1].TryHit(Tcp(sport: 2000), 100, 1)));
    }

    [Fact]
    public void A_busy_thread_does_not_keep_the_others_waiting()
    {
        using SoftOffloadProvider provider = new(16, tableCount: 2);
        PmdOffload[] pmds = Ends(provider);
        using OffloadThread thread = Thread(pmds, provider, new OffloadOptions { TracesPerStep = 2 });
        for (int i = 0; i < 8; i++) _chain.Submit(pmds[0]);
        _chain.Submit(pmds[1]);
        Assert.Equal(9, thread.WaitingTraces);
        thread.Step(0);
        Assert.Equal((7, 0), (pmds[0].Traces.Count, pmds[1].Traces.Count));
    }

    private OffloadThread Thread(PmdOffload[] pmds, IOffloadProvider provider, OffloadOptions? options = null)
        => new(pmds, _chain.Flows, _ledger, _ledger, provider, options);

    private static PmdOffload[] Ends(SoftOffloadProvider provider) => [new(provider.Tables[0]), new(provider.Tables[1]) { Index = 1 }];

    private void SubmitToBoth(PmdOffload[] pmds)
    {
        foreach (PmdOffload pmd in pmds) _chain.Submit(pmd);
    }
}
