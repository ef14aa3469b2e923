using Xunit;

namespace Mergeflow.Tests;

/// <summary>A rule is in all indexes of the registry and holds all that it depends on, or neither: whatever throws on the way.</summary>
public sealed class RuleRegistryTests : IDisposable
{
    private const int Passes = 3, Conns = 2;
    private readonly MegaflowStore _flows = new();
    private readonly FakeLedger _ledger;
    private readonly RevocationGates _gates = new();

    public RuleRegistryTests()
    {
        _ledger = new FakeLedger(_flows);
        for (int id = 0; id < Passes; id++) _flows.Set(id, 1, default, default);
    }

    public void Dispose()
    {
        _gates.Dispose();
        _flows.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(Passes)]
    public void A_ledger_that_throws_while_megaflows_are_held_leaves_nothing_behind(int nth)
    {
        RuleRegistry registry = New();
        int calls = 0;

        // The ledger has noted the one at which it throws, so the registry cannot give that one back: it is taken out of the sum below.
        _ledger.OnRetain = () =>
        {
            if (++calls == nth) throw new InvalidOperationException("injected");
        };
        MergedFlow rule = Rule(7);
        Assert.Throws<InvalidOperationException>(() => registry.TryAdd(rule, default, 0));
        _ledger.Retained[nth - 1]--;
        AssertEmpty(registry, rule);
        _ledger.OnRetain = null;
        Assert.True(registry.TryAdd(rule, default, 0));
        AssertFull(registry, rule);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Conns)]
    public void One_that_throws_while_they_are_compared_again_leaves_nothing_behind(int nth)
    {
        RuleRegistry registry = New();
        int calls = 0;
        _ledger.AfterLook = () =>
        {
            if (++calls == nth) throw new InvalidOperationException("injected");
        };
        MergedFlow rule = Rule(7);
        Assert.Throws<InvalidOperationException>(() => registry.TryAdd(rule, default, 0));
        AssertEmpty(registry, rule);
        _ledger.AfterLook = null;
        Assert.True(registry.TryAdd(rule, default, 0));
        AssertFull(registry, rule);
    }

    [Fact]
    public void A_dependency_that_has_moved_leaves_nothing_behind()
    {
        RuleRegistry registry = New();
        MergedFlow rule = Rule(7);
        _ledger.Closed.Add(Conns - 1);
        Assert.False(registry.TryAdd(rule, default, 0));
        AssertEmpty(registry, rule);
    }

    [Fact]
    public void What_is_taken_out_is_in_nothing_any_more()
    {
        RuleRegistry registry = New();
        MergedFlow first = Rule(7), second = Rule(8), third = Rule(9);
        foreach (MergedFlow r in new[] { first, second, third }) Assert.True(registry.TryAdd(r, default, 0));
        registry.Confirm(first, 1);
        registry.Retire(first, OffloadReason.StaleTrace, freesMatch: true, 2);
        Assert.Equal((3, 3, 1), (registry.Count, registry.PendingCount, registry.DyingCount));
        registry.Remove(first, 3);
        registry.Reject(second, 3);
        Assert.Equal([third], registry.Rules);
        AssertFull(registry, third);
        registry.Retire(third, OffloadReason.StaleTrace, freesMatch: false, 4);
        Assert.True(registry.HasMatch(third));
        registry.Remove(third, 5);
        AssertEmpty(registry, third);
    }

    [Fact]
    public void A_rule_in_the_wrong_state_is_not_taken_out()
    {
        RuleRegistry registry = New();
        MergedFlow rule = Rule(7);
        Assert.True(registry.TryAdd(rule, default, 0));
        registry.Confirm(rule, 1);
        Assert.Throws<InvalidOperationException>(() => registry.Remove(rule, 2));
        Assert.Throws<InvalidOperationException>(() => registry.Reject(rule, 2));
        Assert.Equal((1, 0, 0), (registry.Count, registry.PendingCount, registry.DyingCount));
        Assert.Same(rule, registry.Find(rule.Id));
    }

    private RuleRegistry New() => new(_ledger, _ledger, _gates, firstId: 100);

    private static MergedFlow Rule(ulong traceHash)
    {
        MergedFlow rule = new()
        {
            TraceHash = traceHash,
            Passes = [.. Enumerable.Range(0, Passes).Select(static id => new MergedPass { MegaflowId = id, Generation = 1, Multiplicity = 1 })],
            Conns = [.. Enumerable.Range(0, Conns).Select(static id => new MergedConn { ConnId = id, Generation = 3, Multiplicity = 1 })],
        };
        rule.Value.NwSrc = new Native.Be32((uint)traceHash);
        return rule;
    }

    private void AssertEmpty(RuleRegistry registry, MergedFlow rule)
    {
        Assert.Equal((0, 0, 0), (registry.Count, registry.PendingCount, registry.DyingCount));
        Assert.Null(registry.Find(100));
        Assert.False(registry.HasTrace(rule.TraceHash));
        Assert.False(registry.HasMatch(rule));
        Assert.Equal(0, Dependents(registry, DependencyIndex.OfMegaflow(0)) + Dependents(registry, DependencyIndex.OfConn(0)));
        Assert.All(_ledger.Retained, static r => Assert.Equal(0, r.Value));
        Assert.All(_ledger.Marks, static m => Assert.Equal(0, m.Value));
    }

    private void AssertFull(RuleRegistry registry, MergedFlow rule)
    {
        Assert.Equal((1, 1, 0), (registry.Count, registry.PendingCount, registry.DyingCount));
        Assert.Same(rule, registry.Find(rule.Id));
        Assert.True(registry.HasTrace(rule.TraceHash));
        Assert.True(registry.HasMatch(rule));
        Assert.All(Enumerable.Range(0, Passes), id => Assert.Equal(1, Dependents(registry, DependencyIndex.OfMegaflow(id))));
        Assert.All(Enumerable.Range(0, Conns), id => Assert.Equal(1, Dependents(registry, DependencyIndex.OfConn(id))));
        Assert.All(_ledger.Retained, static r => Assert.Equal(1, r.Value));
        Assert.All(_ledger.Marks, static m => Assert.Equal(1, m.Value));
    }

    private static int Dependents(RuleRegistry registry, ulong owner)
    {
        List<MergedFlow> found = [];
        registry.CollectDependents(owner, found);
        return found.Count;
    }
}
