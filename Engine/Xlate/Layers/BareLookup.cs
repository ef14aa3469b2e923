using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Lookups while a flow has no Ethernet header: a match of a header field is one of Ethernet packets (OVS <c>match_add_ethernet_prereq</c>), so only rules without any may match. All that such
/// rules of higher precedence look at is consulted.
/// </summary>
internal static unsafe class BareLookup
{
    /// <summary>The rule, or null.</summary>
    public static OfRule? Find(TableIndex index, XlateFlow flow)
    {
        OfRule? best = null;
        for (int i = 0; i < index.Subtables.Count; i++)
        {
            Subtable subtable = index.Subtables[i];
            if (best is not null && best.Precedence < subtable.First) break;
            if (ReadsHeaders(in subtable.Head.Match.Mask)) continue;
            Consult(in subtable.Head.Match.Mask, flow);
            for (RulePlace place = subtable.Find((ulong*)flow.Current); !place.IsNone; place = place.Next)
            {
                // Clauses of a conjunction are no rules of their own.
                if (place.Rule.Actions is [OfConjunction, ..]) continue;
                if (best is null || place.Rule.Precedence < best.Precedence) best = place.Rule;
                break;
            }
        }

        return best;
    }

    private static bool ReadsHeaders(in PipelineFlow mask)
    {
        Vector256<byte> bits = Vector256<byte>.Zero;
        foreach (byte lane in Lanes.Headers) bits |= PipelineFlow.ReadLane(in mask, lane);
        FlowKey key = mask.Key;
        ReadOnlySpan<byte> bytes = key.Bytes;
        return bits != Vector256<byte>.Zero || key.NwFrag != 0 || bytes[..L.InPort].ContainsAnyExcept((byte)0) || bytes[L.Ipv6Label..Lanes.At(Lanes.Tunnel)].ContainsAnyExcept((byte)0);
    }

    private static void Consult(in PipelineFlow mask, XlateFlow flow)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            byte* consulted = flow.Consulted + Lanes.At(i);
            (Vector256.Load(consulted) | (PipelineFlow.ReadLane(in mask, i) & Vector256.Load(flow.Live + Lanes.At(i)))).Store(consulted);
        }
    }
}
