using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Which megaflows a dump shows: those that a flow with the fields of a filter would fit, as far as the megaflow looks at these (OVS <c>dpctl_dump_flows</c>).</summary>
internal sealed class FlowFilter(FlowKey wanted, FlowKey fields)
{
    private const string Word = "filter=";

    /// <summary>Reads the filter among the words of a command, for the ports of the datapath.</summary>
    /// <returns>Null = there is none; <paramref name="fitsNothing"/>: it names a port that there is not.</returns>
    public static FlowFilter? Read(IReadOnlyList<string> words, PortNames ports, out bool fitsNothing)
    {
        fitsNothing = false;
        if (words.FirstOrDefault(static w => w.StartsWith(Word, StringComparison.Ordinal)) is not { } word) return null;
        string text = word[Word.Length..];
        try
        {
            Match match = new FlowTextParser(ports).ParseFlow($"{text}{(text.Length == 0 ? "" : ",")}actions=drop").Match;
            return new FlowFilter(match.Value.Key, match.Mask.Key);
        }
        catch (FlowTextException e)
        {
            if (text.Contains("in_port=", StringComparison.Ordinal)) fitsNothing = true;
            else throw new UnixctlException($"ovs-vswitchd: Failed to parse filter ({Exactly(text, ports) ?? e.Message})");
            return null;
        }
    }

    /// <summary>What is wrong with a filter in the words of Open vSwitch, which reads it as the flow of a packet (<c>parse_ofp_exact_flow</c>).</summary>
    private static string? Exactly(string text, PortNames ports)
    {
        try
        {
            new ExactFlowParser(ports).Parse(text, out _);
            return null;
        }
        catch (FlowTextException e)
        {
            return e.Message;
        }
    }

    /// <summary>Whether it shows a megaflow.</summary>
    public bool Fits(MegaflowInfo flow)
    {
        FlowKey flowKey = flow.Key, flowMask = flow.Mask, wantedKey = wanted, fieldBits = fields;
        Span<byte> key = flowKey.Bytes, mask = flowMask.Bytes, want = wantedKey.Bytes, care = fieldBits.Bytes;
        for (int i = 0; i < key.Length; i++)
        {
            if (((key[i] ^ want[i]) & mask[i] & care[i]) != 0) return false;
        }

        return true;
    }
}
