using Xunit;

namespace Mergeflow.Tests;

/// <summary>Identifiers that nobody refers to, in the order in which they became so.</summary>
public sealed class IdleListTests
{
    private static readonly OfPipeline s_bridge = new(new PipelineOptions());

    /// <summary>Whichever of three that have not been seen is referred to again: the others still wait to be seen, and none of them is old.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void The_others_still_wait_to_be_seen(int removed)
    {
        IdleList list = new();
        FrozenState[] states = [New(), New(), New()];
        foreach (FrozenState s in states) list.Add(s);
        list.Remove(states[removed]);
        Assert.Null(list.Oldest);
        FrozenState[] left = [.. states.Where((_, i) => i != removed)];
        foreach (FrozenState s in left)
        {
            Assert.Same(s, list.Unseen);
            list.See(7, 0);
            Assert.Equal(7, s.IdleSinceMs);
        }

        Assert.Equal(left.Length, list.Count);
        Assert.Null(list.Unseen);
        Assert.Same(left[0], list.Oldest);
        list.Remove(left[0]);
        list.Remove(left[1]);
        Assert.True(list.IsEmpty);
    }

    private static FrozenState New() => new() { Bridge = s_bridge, Table = 0, Conntracked = false, WasMpls = false, HasDpHash = false, Lanes = default!, Stack = [], ActionSet = [], Ops = [] };
}
