using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Datapaths and ports that are made by hand: <c>dpctl/add-dp</c>, <c>del-dp</c>, <c>add-if</c>, <c>set-if</c>, <c>del-if</c> (OVS <c>lib/dpctl.c</c>). A datapath with bridges has the ports that the database wants, so of one only <c>del-if</c> takes ports.</summary>
internal sealed class ManualCommands(Vswitchd vswitchd)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpctl/add-dp", "dp [iface...]", 1, int.MaxValue, words => vswitchd.Locked(() => Create(words)));
        commands.Add("dpctl/del-dp", "dp", 1, 1, words => vswitchd.Locked(() => Delete(words[0])));
        commands.Add("dpctl/add-if", "dp iface...", 2, int.MaxValue, words => vswitchd.Locked(() => EachOf(words, AddPort)));
        commands.Add("dpctl/set-if", "dp iface...", 2, int.MaxValue, words => vswitchd.Locked(() => EachOf(words, SetPort)));
        commands.Add("dpctl/del-if", "dp iface...", 2, int.MaxValue, words => vswitchd.Locked(() => EachOf(words, DeletePort)));
    }

    /// <summary>A line as Open vSwitch's commands for datapaths say what went wrong.</summary>
    internal static UnixctlException Error(string line) => new($"ovs-vswitchd: {line}");

    /// <summary>The one that a command names.</summary>
    internal static SharedDatapath Open(Vswitchd vswitchd, string name)
        => SharedDatapath.Find(vswitchd, name) ?? throw Error("opening datapath (No such device)");

    private string Create(IReadOnlyList<string> words)
    {
        string name = words[0];
        int at = name.IndexOf('@', StringComparison.Ordinal);
        try
        {
            if (SharedDatapath.IsOfBridges(name) || SharedDatapath.Find(vswitchd, name) is not null) throw new IOException("File exists");
            if (vswitchd.Manual is not { } manual) throw new IOException("Address family not supported by protocol");
            manual.Create(at < 0 ? "system" : name[..at], name[(at + 1)..]);
        }
        catch (IOException e)
        {
            throw Error($"add_dp ({e.Message})");
        }

        return words.Count > 1 ? EachOf(words, AddPort) : "";
    }

    private string Delete(string name)
    {
        if (Open(vswitchd, name).Manual is null) throw Error("del_dp (Device or resource busy)");
        vswitchd.Manual!.Delete(name);
        return "";
    }

    /// <summary>Does something with each interface; what is wrong with some does not keep it from the others.</summary>
    private string EachOf(IReadOnlyList<string> words, Func<SharedDatapath, string, string?> work)
    {
        SharedDatapath datapath = Open(vswitchd, words[0]);
        StringBuilder errors = new();
        foreach (string word in words.Skip(1))
        {
            if (work(datapath, word) is { } error) errors.Append(CultureInfo.InvariantCulture, $"ovs-vswitchd: {error}\n");
        }

        return errors.Length == 0 ? "" : throw new UnixctlException(errors.ToString());
    }

    private string? AddPort(SharedDatapath datapath, string word)
    {
        (string name, List<(string Key, string Value)> options) = Split(word);
        if (name.Length == 0) return $"{word} is not a valid network device name";
        string type = "system";
        uint? number = null;
        foreach ((string key, string value) in options)
        {
            if (key == "type") type = value;
            else if (key == "port_no" && uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint asked) && asked < OfPorts.Max) number = asked;
            else return $"{name}: {key}={value} is not supported";
        }

        if (datapath.Manual is not { } manual) return $"adding {name} to {datapath.Name} failed (Operation not supported)";
        try
        {
            manual.Add(name, type, number);
            return null;
        }
        catch (IOException e)
        {
            return $"adding {name} to {datapath.Name} failed ({e.Message})";
        }
    }

    private string? SetPort(SharedDatapath datapath, string word)
    {
        (string name, List<(string Key, string Value)> options) = Split(word);
        if (name.Length == 0) return $"{word} is not a valid network device name";
        if (PortOf(datapath, name) is not var (number, type)) return $"{name}: failed to query port in {datapath.Name} (No such device)";
        foreach ((string key, string value) in options)
        {
            switch (key)
            {
                case "type" when value != type: return $"{name}: can't change type from {type} to {value}";
                case "port_no" when value != number.ToString(CultureInfo.InvariantCulture): return $"{name}: can't change port number from {number} to {value}";
                case "type" or "port_no": break;
                default: return $"{name}: {key}={value} is not supported";
            }
        }

        return null;
    }

    private string? DeletePort(SharedDatapath datapath, string word)
    {
        bool isNumber = uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        if (datapath.Manual is not { } manual)
        {
            (_, LiveBridge? bridge, _, string name) = datapath.Ports.FirstOrDefault(p => isNumber ? p.Number == number : p.Name == word);
            return bridge is not null && vswitchd.Bridges.Drop(bridge.Name, name, LiveSwitch.NowMs) ? null : $"no port named {word}";
        }

        if (!isNumber)
        {
            if (manual.NumberOf(word) is not { } found) return $"no port named {word}";
            number = found;
        }

        if (number == ManualDatapath.Local) return $"deleting port {word} from {datapath.Name} failed (Invalid argument)";
        return manual.Remove(number) ? null : $"deleting port {word} from {datapath.Name} failed (No such device)";
    }

    /// <summary>Number and type of a port.</summary>
    private (uint Number, string Type)? PortOf(SharedDatapath datapath, string name)
    {
        if (datapath.Manual is not { } manual)
        {
            foreach ((uint number, LiveBridge bridge, int ofport, string known) in datapath.Ports)
            {
                if (known == name) return (number, bridge.ShownTypeOf(ofport));
            }

            return null;
        }

        return manual.NumberOf(name) is { } own ? (own, manual.Ports[own].Type) : null;
    }

    private static (string Name, List<(string Key, string Value)> Options) Split(string word)
    {
        string[] parts = word.Split(',', StringSplitOptions.RemoveEmptyEntries);
        List<(string Key, string Value)> options = [];
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            options.Add(equals < 0 ? (part, "") : (part[..equals], part[(equals + 1)..]));
        }

        return (parts.Length == 0 ? "" : parts[0], options);
    }
}
