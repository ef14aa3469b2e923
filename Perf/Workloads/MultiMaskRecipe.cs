using System.Text;

namespace Mergeflow.Perf;

/// <summary>S3: 100,000 5-tuples over 4,000 megaflows in exactly K masks. Table 0 splits on nw_dst/8 (the class), table 1 + c holds one mask.</summary>
internal static class MultiMaskRecipe
{
    /// <summary>Megaflows that the rules make.</summary>
    public const int MegaflowCount = 4000;

    /// <summary>Most masks.</summary>
    public const int MaxMasks = 60;

    private const int FlowCount = 100_000;
    private const int RetryLimit = 4_000_000;

    /// <summary>The frames, one per 5-tuple, and the rules.</summary>
    public static (List<byte[]> Frames, string Flows) Make(uint seed, int maskCount, int flowCount = FlowCount)
    {
        var rng = new PythonRandom(seed + (uint)maskCount);
        var text = new StringBuilder();
        List<Rule> rules = Rules(rng, seed, maskCount, Math.Max(maskCount, Math.Min(MegaflowCount, flowCount)), text);
        text.Append("table=0,priority=0,actions=drop\n");
        return (Frames(rng, rules, flowCount), text.ToString());
    }

    private static List<Rule> Rules(PythonRandom rng, uint seed, int maskCount, int megaflowCount, StringBuilder text)
    {
        var rules = new List<Rule>();
        List<(int Src, int Dst, bool SourcePort, bool DestinationPort)> masks = Masks(seed, maskCount);
        for (int c = 0; c < masks.Count; c++)
        {
            (int sp, int dp, bool a, bool b) = masks[c];
            text.Append($"table=0,priority=10,ip,nw_dst={16 + c}.0.0.0/8,actions=goto_table:{1 + c}\n");
            var seen = new HashSet<(uint, uint)>();
            while (seen.Count < megaflowCount / maskCount)
            {
                uint s = (rng.NextBits(32) & 0x00ff_ffff) | (10u << 24);
                uint d = rng.NextBits(24) | ((uint)(16 + c) << 24);
                uint sm = s >> (32 - sp) << (32 - sp);
                uint dm = d >> (32 - dp) << (32 - dp);
                int sport = rng.Range(1024, 65536);
                int dport = rng.Range(1, 1024);
                int proto = rng.Below(2) == 0 ? 6 : 17;
                if (!seen.Add((sm, dm))) continue;
                text.Append($"table={1 + c},priority=10,{(proto == 6 ? "tcp" : "udp")},nw_src={Dot(sm)}/{sp},nw_dst={Dot(dm)}/{dp}");
                if (a) text.Append($",tp_src={sport}");
                if (b) text.Append($",tp_dst={dport}");
                text.Append(",actions=output:2\n");
                rules.Add(new(sm, sp, dm, dp, proto, a ? sport : 0, b ? dport : 0));
            }
        }

        return rules;
    }

    private static List<byte[]> Frames(PythonRandom rng, List<Rule> rules, int flowCount)
    {
        var frames = new List<byte[]>(flowCount);
        var got = new HashSet<(uint, uint, int, int, int)>();
        for (int i = 0; frames.Count < flowCount;)
        {
            Rule r = rules[i % rules.Count];
            i++;
            uint src = r.SrcBits < 32 ? r.Src | rng.NextBits(32 - r.SrcBits) : r.Src;
            uint dst = r.DstBits < 32 ? r.Dst | rng.NextBits(32 - r.DstBits) : r.Dst;
            int sport = r.SourcePort != 0 ? r.SourcePort : rng.Range(1024, 65536);
            int dport = r.DestinationPort != 0 ? r.DestinationPort : rng.Range(1, 65536);
            if (!got.Add((src, dst, sport, dport, r.Proto)) && i < RetryLimit) continue;
            frames.Add(FrameBuilder.Build(src, dst, sport, dport, r.Proto));
        }

        return frames;
    }

    private static List<(int Src, int Dst, bool SourcePort, bool DestinationPort)> Masks(uint seed, int count)
    {
        var pool = new List<(int, int, bool, bool)>();
        foreach (int s in new[] { 16, 20, 24, 28, 32 })
        {
            foreach (int d in new[] { 24, 28, 32 })
            {
                pool.Add((s, d, false, false));
                pool.Add((s, d, false, true));
                pool.Add((s, d, true, false));
                pool.Add((s, d, true, true));
            }
        }

        new PythonRandom(seed + 3).Shuffle(pool);
        return pool[..count];
    }

    private static string Dot(uint x) => $"{x >> 24}.{x >> 16 & 255}.{x >> 8 & 255}.{x & 255}";

    private readonly record struct Rule(uint Src, int SrcBits, uint Dst, int DstBits, int Proto, int SourcePort, int DestinationPort);
}
