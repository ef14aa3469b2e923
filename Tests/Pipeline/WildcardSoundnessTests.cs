using System.Runtime.InteropServices;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Bits outside the mask do not matter: the program and the rules stay the same whatever they are.</summary>
public sealed class WildcardSoundnessTests
{
    public static TheoryData<string> Cases =>
        ["acl", "fuzz_stateless_1", "fuzz_stateless_4", "fuzz_ct_1", "rewrite", "l2_vlan", "l3_router", "groups", "malformed", "frags_noct", "recirc_chain"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Flipping_wildcarded_bits_changes_nothing(string name)
    {
        ConformanceCase @case = CaseFiles.Load(name);
        using PipelineBed bed = new(Text(@case, "flows.txt"), Text(@case, "groups.txt"), portCount: 9);
        using XlateResult flipped = new();
        Random random = new(7);
        int flips = 0;
        foreach (CaseEvent e in @case.Events.Where(e => e.Op == "pkt").Take(400))
        {
            FlowKey key = bed.Key(Convert.FromHexString(e.Hex), e.Port);
            for (int pass = 0; pass < 3; pass++)
            {
                bed.Translator.Translate(ref key, 100, bed.Result, 0);
                for (int i = 0; i < 4; i++)
                {
                    FlowKey other = Flip(key, bed.Result.Mask, random, ref flips);
                    bed.Translator.Translate(ref other, 100, flipped, 0);
                    Assert.True(MemoryMarshal.AsBytes(bed.Result.Actions).SequenceEqual(MemoryMarshal.AsBytes(flipped.Actions)));
                    Assert.Equal(bed.Result.Rules, flipped.Rules);
                }

                // Go on where the program recirculates, with some conntrack state.
                if (bed.Result.RecircIds.Count == 0) break;
                key = bed.Recirculated(key);
                key.CtState = CtState.Trk | (random.Next(2) == 0 ? CtState.New : CtState.Est | CtState.Rpl);
                key.DpHash = Native.Be32.FromHost((uint)random.Next(1, int.MaxValue));
            }
        }

        Assert.True(flips > 1000);
    }

    private static FlowKey Flip(FlowKey key, FlowKey mask, Random random, ref int flips)
    {
        for (int n = random.Next(1, 30); n > 0; n--)
        {
            int bit = random.Next(FlowKey.SizeBytes * 8);
            if ((mask.Bytes[bit / 8] & (1 << (bit % 8))) != 0) continue;
            key.Bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            flips++;
        }

        return key;
    }

    private static string Text(ConformanceCase @case, string file)
    {
        string path = Path.Combine(@case.Directory, file);
        return File.Exists(path) ? File.ReadAllText(path) : "";
    }
}
