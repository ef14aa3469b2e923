using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary><c>ofproto/trace BRIDGE FLOW</c>: the way of a packet with these fields through the tables of a bridge. None is sent, nothing is learned.</summary>
internal static class OfprotoTrace
{
    private const string Next = "--ct-next";

    /// <summary>Tells the way.</summary>
    /// <exception cref="UnixctlException">There is no such bridge, the flow cannot be read, or something is asked for that is not there.</exception>
    public static string Write(Vswitchd vswitchd, IReadOnlyList<string> words)
    {
        List<string> rest = [];
        List<CtState> states = [];
        for (int i = 0; i < words.Count; i++)
        {
            if (words[i] == Next && i + 1 < words.Count) states.Add(State(words[++i]));
            else if (words[i].StartsWith($"{Next}=", StringComparison.Ordinal)) states.Add(State(words[i][(Next.Length + 1)..]));
            else if (words[i].StartsWith('-')) throw new UnixctlException($"{words[i]}: not supported");
            else rest.Add(words[i]);
        }

        if (rest.Count != 2) throw new UnixctlException("a bridge and a flow are expected; datapath flows and packets are not supported");
        if (vswitchd.Bridges.Find(rest[0]) is not LiveBridge bridge) throw new UnixctlException($"{rest[0]}: unknown bridge");
        PortNames names = new(vswitchd.Bridges.OfportsOf(rest[0]).ToDictionary(static p => p.Key, static p => (uint)p.Value));
        using StringWriter output = new() { NewLine = "\n" };
        LiveTrace.WritePasses(bridge.Datapath, Parse(names, rest[1]), states, $"bridge(\"{rest[0]}\")", Megaflow, output);
        return output.ToString();
    }

    private static FlowKey Parse(PortNames names, string flow)
    {
        try
        {
            return new FlowTextParser(names).ParseFlow($"{flow}{(flow.Length == 0 ? "" : ",")}actions=drop").Match.Value.Key;
        }
        catch (FlowTextException e)
        {
            throw new UnixctlException(string.Create(CultureInfo.InvariantCulture, $"Bad openflow flow syntax: {flow}: column {e.Column}: {e.Message}"));
        }
    }

    /// <summary>As a match of OpenFlow, which is how Open vSwitch prints it here.</summary>
    private static string Megaflow(FlowKey key, FlowKey mask)
    {
        string recirculation = key.RecircId.Host == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"0x{key.RecircId.Host:x}");
        mask.RecircId = default;
        Match match = default;
        (match.Value.Key, match.Mask.Key) = (key, mask);
        match.Value.Key.RecircId = default;
        string text = new FlowTextFormatter().Format(ref match);
        return $"recirc_id={recirculation},eth{(text.Length == 0 ? "" : $",{text}")}";
    }

    private static CtState State(string text)
    {
        try
        {
            return LiveTrace.StateOf(text);
        }
        catch (CommandFailedException e)
        {
            throw new UnixctlException(e.Message);
        }
    }
}
