using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Translations go from one upcall to another: what is returned is as good as new.</summary>
public sealed class TranslationPoolTests
{
    /// <summary>What belongs to the object for good: the memory for records, and how much there is. <c>Visited</c> is compared by its bytes, lists by what is in them.</summary>
    private static readonly string[] s_kept = ["_actions", "_capacity", nameof(XlateResult.Visited)];

    [Fact]
    public void Nothing_of_the_former_user_is_seen()
    {
        using var bed = new PipelineBed("table=0,ip,actions=ct(table=1),normal\ntable=1,actions=output:2");
        using var pool = new TranslationPool(4);
        XlateResult used = pool.Rent();
        used.Steps = [];
        FlowKey key = PipelineBed.Tcp();
        bed.Translator.Translate(ref key, 100, used, 0);
        uint id = Assert.Single(used.RecircIds);
        Assert.True(used.Count > 0 && used.Rules.Count > 0 && used.AskedAddresses.Count > 0 && used.Learned.Count > 0 && used.Steps.Count > 0);
        Assert.Equal(1, bed.Recirc.References(id));
        pool.Return(used);
        Assert.Equal(0, bed.Recirc.References(id));

        XlateResult next = pool.Rent();
        Assert.Same(used, next);
        using var fresh = new XlateResult();
        FieldInfo[] fields = [.. typeof(XlateResult).GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(static f => !s_kept.Contains(f.Name))];
        Assert.True(fields.Length >= 10, $"{fields.Length} fields");
        Assert.All(fields, f => Assert.Equal(f.GetValue(fresh), f.GetValue(next)));

        // A new one has not been written; the first that a translation does is to empty it.
        VisitedTables none = VisitedTables.None;
        Assert.Equal(MemoryMarshal.AsBytes(new Span<VisitedTables>(ref none)).ToArray(), MemoryMarshal.AsBytes(new Span<VisitedTables>(ref next.Visited)).ToArray());
    }

    /// <summary>A translation into one that others have used says the same as one into a new one.</summary>
    [Fact]
    public void A_used_translation_says_what_a_new_one_says()
    {
        using var bed = new PipelineBed("table=0,priority=2,tcp,actions=ct(table=1),push_vlan:0x8100,normal\ntable=0,priority=1,udp,actions=output:2\ntable=1,actions=output:2");
        using var pool = new TranslationPool(4);
        XlateResult used = pool.Rent();
        FlowKey tcp = PipelineBed.Tcp(), udp = PipelineBed.Udp();
        bed.Translator.Translate(ref tcp, 100, used, 0);
        pool.Return(used);
        XlateResult again = pool.Rent();
        Assert.Same(used, again);
        using var fresh = new XlateResult();
        bed.Translator.Translate(ref udp, 100, again, 0);
        bed.Translator.Translate(ref udp, 100, fresh, 0);
        Assert.Equal(fresh.Mask.Bytes.ToArray(), again.Mask.Bytes.ToArray());
        Assert.Equal(DpFlowFormatter.FormatActions(fresh.Actions), DpFlowFormatter.FormatActions(again.Actions));
        Assert.Equal((fresh.Rules.Count, fresh.RecircIds.Count, fresh.Learned.Count, fresh.SlowPath), (again.Rules.Count, again.RecircIds.Count, again.Learned.Count, again.SlowPath));
    }

    [Fact]
    public void Two_users_never_have_the_same_one()
    {
        using var pool = new TranslationPool(2);
        XlateResult[] held = [.. Enumerable.Range(0, 6).Select(_ => pool.Rent())];
        Assert.Equal(held.Length, held.Distinct().Count());
        foreach (XlateResult r in held) pool.Return(r);
        XlateResult[] again = [.. Enumerable.Range(0, 6).Select(_ => pool.Rent())];
        Assert.Equal(again.Length, again.Distinct().Count());
        Assert.Equal(2, again.Intersect(held).Count());
        foreach (XlateResult r in again) pool.Return(r);
    }

    [Fact]
    public void An_extraordinarily_lengthyone_is_not_kept()
    {
        using var pool = new TranslationPool(2);
        XlateResult lengthy = pool.Rent();
        for (int i = 0; i <= TranslationPool.MostRecords; i++) lengthy.Add(DpOp.Output);
        pool.Return(lengthy);
        XlateResult next = pool.Rent();
        Assert.NotSame(lengthy, next);
        pool.Return(next);
    }
}
