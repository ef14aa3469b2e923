using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>The soft device between its two threads: a slot belongs to a rule until the packet thread has let go of it.</summary>
public sealed class SoftOffloadProviderTests
{
    private readonly OffloadCompletion[] _completions = new OffloadCompletion[8];

    [Fact]
    public void A_slot_is_reused_only_behind_a_grace_period_and_its_last_hits_are_harvested()
    {
        QuiescentState quiescent = new();
        QuiescentState.Reader packetThread = quiescent.Register();
        using SoftOffloadProvider provider = new(1, 4, quiescent);
        MergedFlow first = Rule(1, sport: 1000), second = Rule(2, sport: 2000);
        Assert.True(provider.Create(first, 0));
        Assert.Equal(OffloadCompletionKind.Created, Poll(provider).Kind);
        Assert.True(provider.Tables[0].TryHit(Tcp(sport: 1000), 100, 1));

        Assert.True(provider.Destroy(first, 2));
        Assert.Equal(0, provider.Poll(_completions, 2));
        Assert.True(provider.Create(second, 2));
        OffloadCompletion refused = Poll(provider);
        Assert.Equal((OffloadCompletionKind.CreateFailed, OffloadReason.TableFull), (refused.Kind, refused.Reason));

        // A batch that was under way has ended: the packet that held the rule has been counted.
        packetThread.Announce();
        OffloadCompletion gone = Poll(provider);
        Assert.Equal((OffloadCompletionKind.Destroyed, 1, 1ul, 100ul), (gone.Kind, gone.RuleId, gone.Counters.Packets, gone.Counters.Bytes));
        Assert.True(provider.Create(second, 3));
        Assert.Equal(OffloadCompletionKind.Created, Poll(provider).Kind);
        Assert.Equal((false, true), (provider.Tables[0].TryHit(Tcp(sport: 1000), 100, 3), provider.Tables[0].TryHit(Tcp(sport: 2000), 100, 3)));
    }

    [Fact]
    public void Out_of_the_path_means_no_hit_and_changes_no_rule()
    {
        using SoftOffloadProvider provider = new(2);
        provider.Create(Rule(1, sport: 1000), 0);
        provider.Suspend();
        provider.Suspend();
        Assert.False(provider.Tables[0].TryHit(Tcp(sport: 1000), 100, 1));
        Assert.Equal(1, provider.RuleCount);
        provider.Resume();
        Assert.True(provider.Tables[0].TryHit(Tcp(sport: 1000), 100, 1));
    }

    private OffloadCompletion Poll(SoftOffloadProvider provider)
    {
        Assert.Equal(1, provider.Poll(_completions, 0));
        return _completions[0];
    }

    private static MergedFlow Rule(int id, ushort sport)
    {
        MergedFlow rule = new(id) { Value = Tcp(sport: sport) };
        rule.Mask.TpSrc = new Native.Be16(0xffff);
        FlowKey value = default;
        FlowKey.And(ref rule.Value, ref rule.Mask, ref value);
        rule.Value = value;
        return rule;
    }
}
