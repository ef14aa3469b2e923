using System.Globalization;
using System.Runtime.Intrinsics;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What large tables cost, in rules looked at: a modification what it touches, a lookup one probe per mask, with conjunctions too.</summary>
public sealed class TableScaleTests
{
    [Fact]
    public void Rules_that_are_added_one_by_one_lay_out_a_piece_each()
    {
        const int Count = 10_000, Piece = 40;
        using PipelineBed bed = new("priority=0,actions=drop");
        for (int i = 0; i < Count; i++) bed.Mod(Rule(i));
        Assert.InRange(bed.Pipeline.Work.RulesIndexed, (ulong)Count, (ulong)Count * Piece);
        Assert.InRange(bed.Pipeline.Work.RulesVisited, 0UL, (ulong)Count);
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7")));
        for (int i = 0; i < Count; i++) bed.Mod($"delete_strict {Rule(i)[4..Rule(i).IndexOf(",actions", StringComparison.Ordinal)]}");
        Assert.InRange(bed.Pipeline.Work.RulesVisited, 0UL, 2UL * Count);
        Assert.InRange(bed.Pipeline.Work.RulesIndexed, (ulong)Count, 2UL * Count * Piece);
        Assert.Equal(1, bed.Pipeline.RuleCount);
        Assert.Equal("drop", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7")));
    }

    [Fact]
    public void Few_rules_of_one_mask_are_laid_out_by_the_first_lookup()
    {
        using PipelineBed bed = new("priority=0,actions=drop");
        for (int i = 0; i < 64; i++) bed.Mod(Rule(i));
        Assert.Equal(0UL, bed.Pipeline.Work.RulesIndexed);
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7")));
        Assert.InRange(bed.Pipeline.Work.RulesIndexed, 64UL, 65UL);
    }

    /// <summary>Each state of a large subtable is searched, while rules come, go and take each other's place; the states before stay as they are.</summary>
    [Fact]
    public void Whatever_a_large_table_went_through_it_finds_what_is_in_it()
    {
        Random random = new(7);
        using PipelineBed bed = new("priority=0,actions=drop");
        SortedDictionary<int, SortedDictionary<int, int>> model = [];
        for (int round = 0; round < 3_000; round++)
        {
            (int address, int priority, int port) = (random.Next(256), random.Next(1, 4), random.Next(2, 5));
            if (random.Next(round < 1_500 ? 6 : 2) == 0)
            {
                bed.Mod($"delete_strict priority={priority},ip,nw_dst=10.0.0.{address}");
                if (model.TryGetValue(address, out SortedDictionary<int, int>? gone)) gone.Remove(priority);
            }
            else
            {
                bed.Mod($"add priority={priority},ip,nw_dst=10.0.0.{address},actions={port}");
                if (!model.TryGetValue(address, out SortedDictionary<int, int>? rules)) model.Add(address, rules = []);
                rules[priority] = port;
            }

            int asked = random.Next(2) == 0 ? address : random.Next(256);
            string expected = model.TryGetValue(asked, out SortedDictionary<int, int>? there) && there.Count > 0 ? $"{there.Last().Value}" : "drop";
            Assert.Equal(expected, bed.Actions(PipelineBed.Tcp("10.0.0.1", $"10.0.0.{asked}")));
        }

        Assert.InRange(bed.Pipeline.RuleCount, 100, 700);
        Assert.Equal(model.SelectMany(static m => m.Value.Keys).OrderDescending(), bed.Pipeline.Rules.Select(static r => (int)r.Priority).SkipLast(1));
    }

    /// <summary>What none of many rules matches is shown by few bits, found without a look at them all; and no other bit matters.</summary>
    [Theory]
    [InlineData("ip,nw_dst=10.{0}.{1}.{2}", 20_000)]
    [InlineData("tcp,nw_dst=10.{0}.{1}.0/24,tp_dst={2}", 3_000)]
    [InlineData("udp,nw_src=172.16.0.{2},nw_dst=10.{1}.{0}.{2}", 40_000)]
    public void What_rules_out_a_large_table_is_found_by_comparing_few_rules(string match, int count)
    {
        const ulong Most = 1_500;
        Random random = new(5);
        string Rule(int i) => string.Format(CultureInfo.InvariantCulture, $"priority={10 + (i % 3)},{match},actions=3", i >> 14 & 255, i >> 6 & 255, (i & 63) * 3);
        using PipelineBed bed = new(string.Join('\n', Enumerable.Range(0, count).Select(Rule)) + "\npriority=1,actions=2");
        int misses = 0;
        for (int i = 0; i < 400; i++)
        {
            FlowKey key = random.Next(2) == 0 ? PipelineBed.Tcp(Near(), Near(), dport: (ushort)random.Next(200)) : PipelineBed.Udp(Near(), Near());
            ulong before = bed.Pipeline.Work.RulesCompared;
            string actions = bed.Actions(key);
            Assert.InRange(bed.Pipeline.Work.RulesCompared - before, 1UL, Most);
            if (actions != "2") continue;
            misses++;
            FlowKey mask = bed.Result.Mask, other = random.Next(2) == 0 ? PipelineBed.Tcp(Near(), Near(), dport: (ushort)random.Next(200)) : PipelineBed.Udp(Near(), Near());
            for (int lane = 0; lane < FlowKey.LaneCount; lane++)
            {
                FlowKey.Lane(ref other, lane) = (FlowKey.Lane(ref key, lane) & FlowKey.Lane(ref mask, lane)) | (FlowKey.Lane(ref other, lane) & ~FlowKey.Lane(ref mask, lane));
            }

            Assert.Equal("2", bed.Actions(other));
        }

        Assert.InRange(misses, 100, 400);

        string Near() => $"{(random.Next(8) == 0 ? 172 : 10)}.{random.Next(4)}.{random.Next(256)}.{random.Next(256)}";
    }

    /// <summary>Who knows already that a changed rule is another one learns nothing more of the packet: its megaflow stays.</summary>
    [Fact]
    public void A_change_that_known_bits_rule_out_asks_for_no_other_bit()
    {
        const int Rounds = 2_000;
        Random random = new(6);
        using PipelineBed bed = new(string.Join('\n', Enumerable.Range(0, 1_000).Select(i => Line(i * 60))) + "\npriority=1,actions=2");
        int kept = 0;
        for (int round = 0; round < Rounds; round++)
        {
            FlowKey key = PipelineBed.Tcp("1.2.3.4", $"10.0.{random.Next(256)}.{random.Next(256)}");
            if (bed.Actions(key) != "2") continue;
            FlowKey mask = bed.Result.Mask;
            for (int i = 0; i < 20; i++)
            {
                int changed = random.Next(65_536);
                uint differs = (Be32.FromHost(0x0a000000u + (uint)changed).Raw ^ key.NwDst.Raw) & mask.NwDst.Raw;
                if (differs == 0) continue;
                bed.Mod(random.Next(2) == 0 ? $"add {Line(changed)}" : $"delete_strict priority=10,tcp,nw_dst=10.0.{changed >> 8}.{changed & 255}");
                kept++;
            }

            bed.Translator.Translate(ref key, 100, bed.Result, 0, ref mask);
            FlowKey now = bed.Result.Mask;
            Assert.True(FlowKey.Same(ref mask, ref now), $"round {round}: {mask.NwDst} became {now.NwDst}");
        }

        Assert.InRange(kept, Rounds, int.MaxValue);

        static string Line(int i) => $"priority=10,tcp,nw_dst=10.0.{i >> 8}.{i & 255},actions=3";
    }

    [Fact]
    public void A_modification_touches_the_rules_of_its_mask_only()
    {
        string rules = string.Join('\n', Enumerable.Range(0, 5_000).Select(static i => Rule(i)[4..]));
        using PipelineBed bed = new(rules);
        FlowKey key = PipelineBed.Tcp("10.0.0.1", "10.0.0.7");
        Assert.Equal("2", bed.Actions(key));
        ulong before = bed.Pipeline.Work.RulesIndexed;
        for (int i = 0; i < 100; i++)
        {
            bed.Mod($"add priority=11,tcp,tp_dst={i + 1000},actions=3");
            Assert.Equal("2", bed.Actions(key));
        }

        Assert.InRange(bed.Pipeline.Work.RulesIndexed - before, 64UL * 65 / 2, 100UL * 101 / 2);
        Assert.Equal("3", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7", dport: 1042)));
        bed.Mod("modify_strict priority=11,tcp,tp_dst=1042,actions=4");
        Assert.Equal("4", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7", dport: 1042)));
        bed.Mod("delete_strict priority=11,tcp,tp_dst=1042");
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp("10.0.0.1", "10.0.0.7", dport: 1042)));
    }

    /// <summary>Batches that end where they began change nothing, whatever they did in between.</summary>
    [Fact]
    public void A_batch_that_takes_back_what_it_adds_is_no_change()
    {
        using PipelineBed bed = new("priority=5,ip,actions=2\npriority=4,ip,actions=3");
        ulong version = bed.Pipeline.TablesVersion;
        Assert.False(bed.Mod("add priority=9,tcp,actions=3", "delete_strict priority=9,tcp"));
        Assert.False(bed.Mod("add priority=9,tcp,actions=3", "add priority=9,tcp,actions=4", "delete tcp"));
        Assert.Equal(version, bed.Pipeline.TablesVersion);
        Assert.True(bed.Mod("delete_strict priority=5,ip", "add priority=5,ip,actions=2"));
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp()));
        Assert.True(bed.Mod("delete_strict priority=5,ip"));
        Assert.Equal("3", bed.Actions(PipelineBed.Tcp()));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(16_000)]
    public void A_conjunctive_lookup_does_not_grow_with_its_clauses(int clauses)
    {
        List<string> rules = ["priority=100,conj_id=7,ip,actions=5", "priority=0,actions=drop"];
        for (int i = 0; i < clauses; i++)
        {
            rules.Add($"priority=100,ip,nw_src=10.{(i >> 16) & 255}.{(i >> 8) & 255}.{i & 255},actions=conjunction(7,1/2)");
            rules.Add($"priority=100,ip,nw_dst=20.{(i >> 16) & 255}.{(i >> 8) & 255}.{i & 255},actions=conjunction(7,2/2)");
        }

        using PipelineBed bed = new(string.Join('\n', rules));
        Assert.InRange(bed.Pipeline.Work.RulesVisited, 0UL, 0UL);
        Assert.Equal("5", bed.Actions(PipelineBed.Tcp("10.0.0.9", "20.0.1.3")));
        ulong before = bed.Pipeline.Work.RulesCompared;
        Assert.Equal("5", bed.Actions(PipelineBed.Tcp("10.0.1.9", "20.0.0.3")));
        Assert.InRange(bed.Pipeline.Work.RulesCompared - before, 1UL, 20UL);
        Assert.InRange(bed.Pipeline.Work.RulesIndexed, (ulong)rules.Count, (ulong)rules.Count);
    }

    /// <summary>Against a reading of ovs-actions(7), rule by rule; and no bit that was not consulted matters.</summary>
    [Fact]
    public void Conjunctive_lookups_are_those_of_the_manual()
    {
        Random random = new(1);
        int hits = 0;
        for (int round = 0; round < 300; round++)
        {
            List<Sample> samples = [];
            HashSet<(int, string)> seen = [];
            int count = random.Next(4, 40);
            for (int i = 0; i < count; i++)
            {
                var s = new Sample(random.Next(1, 4), random.Next(4) < 3 ? random.Next(4) : -1, random.Next(4) < 3 ? random.Next(4) : -1, random.Next(3) == 0 ? random.Next(1, 4) : 0, random.Next(3) == 0 ? 0 : random.Next(1, 4), random.Next(2), i + 1);
                if (s.ConjId != 0) s = s with { Clause = 0 };
                if (seen.Add((s.Priority, s.Match))) samples.Add(s);
            }

            using PipelineBed bed = new(string.Join('\n', samples.Select(static s => s.Text)));
            for (int k = 0; k < 40; k++)
            {
                (int src, int dst) = (random.Next(5), random.Next(5));
                FlowKey key = PipelineBed.Tcp($"10.0.0.{src}", $"20.0.0.{dst}");
                bed.Actions(key);
                ulong got = bed.Cookies.FirstOrDefault();
                Assert.True(Expected(samples, src, dst) == got, $"round {round}, {src} to {dst}: cookie {got}, not {Expected(samples, src, dst)}\n{string.Join('\n', samples.Select(static s => s.Text))}");
                if (got != 0) hits++;
                FlowKey mask = bed.Result.Mask;
                FlowKey other = key;
                if (mask.NwSrc.Raw != uint.MaxValue) other.NwSrc = new Be32((key.NwSrc.Raw & mask.NwSrc.Raw) | (Be32.FromHost(0x0a000000u + (uint)random.Next(5)).Raw & ~mask.NwSrc.Raw));
                if (mask.NwDst.Raw != uint.MaxValue) other.NwDst = new Be32((key.NwDst.Raw & mask.NwDst.Raw) | (Be32.FromHost(0x14000000u + (uint)random.Next(5)).Raw & ~mask.NwDst.Raw));
                bed.Actions(other);
                Assert.True(got == bed.Cookies.FirstOrDefault(), $"round {round}, {src} to {dst}: cookie {got}; with mask {mask.NwSrc}, {mask.NwDst} {other.NwSrc} to {other.NwDst} gets {bed.Cookies.FirstOrDefault()}\n{string.Join('\n', samples.Select(static s => s.Text))}");
            }
        }

        Assert.InRange(hits, 1_000, int.MaxValue);
    }

    private static ulong Expected(List<Sample> samples, int src, int dst)
    {
        foreach (IGrouping<int, Sample> level in samples.Where(s => s.Fits(src, dst, 0)).GroupBy(static s => s.Priority).OrderByDescending(static g => g.Key))
        {
            if (level.FirstOrDefault(static s => s.Clause == 0) is { } plain) return (ulong)plain.Cookie;
            foreach (int id in level.Select(static s => s.Clause).Distinct().Order())
            {
                if (!level.Any(s => s.Clause == id && s.Part == 0) || !level.Any(s => s.Clause == id && s.Part == 1)) continue;
                Sample? answer = samples.Where(s => s.Clause == 0 && s.Fits(src, dst, id)).OrderByDescending(static s => s.Priority).FirstOrDefault();
                if (answer is not null) return (ulong)answer.Cookie;
            }
        }

        return 0;
    }

    private static string Rule(int i) => $"add priority=10,ip,nw_dst=10.{(i >> 16) & 255}.{(i >> 8) & 255}.{i & 255},actions=2";

    /// <summary>A rule: -1 = any address; <paramref name="Clause"/> 0 = plain, else the conjunction it is a part of.</summary>
    private sealed record Sample(int Priority, int Src, int Dst, int ConjId, int Clause, int Part, int Cookie)
    {
        public string Match => $"ip{(Src < 0 ? "" : $",nw_src=10.0.0.{Src}")}{(Dst < 0 ? "" : $",nw_dst=20.0.0.{Dst}")}{(ConjId == 0 ? "" : $",conj_id={ConjId}")}";

        public string Text => $"priority={Priority},cookie={Cookie},{Match},actions={(Clause == 0 ? "2" : $"conjunction({Clause},{Part + 1}/2)")}";

        public bool Fits(int src, int dst, int conjId) => (Src < 0 || Src == src) && (Dst < 0 || Dst == dst) && (ConjId == 0 || ConjId == conjId);
    }
}
