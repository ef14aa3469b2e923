using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Engine.Upcall;

namespace Mergeflow.Cli;

/// <summary>
/// Megaflows that are put in and taken out by hand: <c>dpctl/add-flow</c>, <c>mod-flow</c>, <c>del-flow</c>, and the same line by line from files (OVS <c>lib/dpctl.c</c>). In a datapath with bridges they live until the revalidator looks at them,
/// within half a second; in one that was made by hand until they are taken out.
/// </summary>
internal sealed class FlowCommands(Vswitchd vswitchd, Vlog log)
{
    private const string UfidWord = "ufid:";
    private const string MayCreate = "--may-create";

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpctl/add-flow", "[dp] flow actions", 2, 3, words => vswitchd.Locked(() => Put(words, creates: true, modifies: false)));
        commands.Add("dpctl/mod-flow", "[--may-create] [dp] flow actions", 2, 4, words => vswitchd.Locked(() => Modify([.. words.Where(static w => w != MayCreate)], words.Contains(MayCreate))));
        commands.Add("dpctl/del-flow", "[dp] flow", 1, 2, words => vswitchd.Locked(() => Done(Delete(Datapath(words, 1), words[^1]))));
        commands.Add("dpctl/add-flows", "[dp] file", 1, 2, words => vswitchd.Locked(() => Carry(words, "add")));
        commands.Add("dpctl/mod-flows", "[dp] file", 1, 2, words => vswitchd.Locked(() => Carry(words, "modify")));
        commands.Add("dpctl/del-flows", "[dp] [file]", 0, 2, words => vswitchd.Locked(() => DeleteAll(words)));
    }

    private static string Done(string? error) => error is null ? "" : throw ManualCommands.Error(error);

    /// <summary>The datapath among the words of a command, behind which so many others stand; without one that of the bridges, if it is the only one (OVS <c>opt_dpif_open</c>).</summary>
    private SharedDatapath Datapath(IReadOnlyList<string> words, int others)
    {
        if (words.Count > others) return ManualCommands.Open(vswitchd, words[0]);
        return SharedDatapath.All(vswitchd, [], withManual: true) switch
        {
            [] => throw new UnixctlException("ovs-vswitchd: no datapaths exist\novs-vswitchd: datapath not found (Invalid argument)\n"),
            [var only] => only,
            _ => throw new UnixctlException("ovs-vswitchd: multiple datapaths, specify one\novs-vswitchd: datapath not found (Invalid argument)\n"),
        };
    }

    private string Modify(IReadOnlyList<string> words, bool creates)
        => words.Count is 2 or 3 ? Put(words, creates, modifies: true) : throw ManualCommands.Error("a flow and its actions are wanted (Invalid argument)");

    private string Put(IReadOnlyList<string> words, bool creates, bool modifies) => Done(Put(Datapath(words, 2), words[^2], words[^1], creates, modifies));

    private string? Put(SharedDatapath datapath, string key, string actions, bool creates, bool modifies)
    {
        if (ReadUfid(ref key, out Guid? ufid) is { } refusal) return refusal;
        if (Read(datapath, key, out DpFlow flow) is { } error) return $"parsing flow key ({error}";
        DpAction[] program;
        try
        {
            program = DpFlowParser.ParseGivenActions(actions, flow);
        }
        catch (FlowTextException e)
        {
            return $"parsing actions (column {e.Column}: {e.Message}) (Invalid argument)";
        }

        if (flow.Mask.InPort.Raw == 0)
        {
            log.Write("dpif_netdev", VlogLevel.Err, $"failed to put{(creates ? "[create]" : "[modify]")} flow: in_port is not an exact match");
            return "updating flow table (Invalid argument)";
        }

        return datapath.Datapath.PutMegaflow(new GivenMegaflow(flow.Value, flow.Mask, program, ufid, creates, modifies), LiveSwitch.NowMs) switch
        {
            MegaflowPutResult.Exists => "updating flow table (File exists)",
            MegaflowPutResult.NotThere => "updating flow table (No such file or directory)",
            MegaflowPutResult.Full => "updating flow table (File too large)",
            _ => null,
        };
    }

    private static string? Delete(SharedDatapath datapath, string key)
    {
        if (ReadUfid(ref key, out Guid? ufid) is { } refusal) return refusal;
        FlowKey wanted = default;
        if (ufid is null)
        {
            if (Read(datapath, key, out DpFlow flow) is { } error) return $"parsing flow key ({error}";
            wanted = flow.Value;
        }

        int count = datapath.Datapath.DeleteMegaflows(flow => ufid is { } name ? flow.Ufid == name : IsSame(flow.Key, wanted), LiveSwitch.NowMs);
        return count > 0 ? null : $"deleting flow (No such file or directory){(ufid is null ? "\nPerhaps you need to specify a UFID?" : "")}";
    }

    private string DeleteAll(IReadOnlyList<string> words)
    {
        bool namesDatapath = words.Count == 1 && SharedDatapath.Find(vswitchd, words[0]) is not null;
        if (words.Count > 0 && !namesDatapath) return Carry(words, "delete");
        Datapath(words, 0).Datapath.DeleteMegaflows(static _ => true, LiveSwitch.NowMs);
        return "";
    }

    /// <summary>Lines <c>[add|modify|delete] flow [actions]</c>; what is wrong with one is said, and the others are carried out (OVS <c>dpctl_process_flows</c>).</summary>
    private string Carry(IReadOnlyList<string> words, string otherwise)
    {
        SharedDatapath datapath = Datapath(words, 1);
        StringBuilder told = new();
        int number = 0;
        try
        {
            foreach (string raw in File.ReadLines(words[^1]))
            {
                number++;
                string line = raw.Split('#', 2)[0].Trim();
                if (line.Length > 0 && Carry(datapath, line, otherwise, number) is { } error) told.Append(CultureInfo.InvariantCulture, $"ovs-vswitchd: {error}\n");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw ManualCommands.Error($"Opening file \"{words[^1]}\" failed ({(e is FileNotFoundException or DirectoryNotFoundException or ArgumentException ? "No such file or directory" : e is UnauthorizedAccessException ? "Permission denied" : e.Message)})");
        }

        return told.ToString();
    }

    private string? Carry(SharedDatapath datapath, string line, string otherwise, int number)
    {
        string[] parts = line.Split([' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries);
        bool says = parts[0] is "add" or "modify" or "delete";
        string order = says ? parts[0] : otherwise;
        string[] rest = says ? parts.Length > 1 ? parts[1].Split([' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [] : parts;
        int wanted = order == "delete" ? 1 : 2;
        if (rest.Length != wanted) return string.Create(CultureInfo.InvariantCulture, $"Failed parsing line number {number}, skipped!");
        return order switch
        {
            "delete" => Delete(datapath, rest[0]),
            "modify" => Put(datapath, rest[0], rest[1], creates: false, modifies: true),
            _ => Put(datapath, rest[0], rest[1], creates: true, modifies: false),
        };
    }

    /// <summary>Reads a key; returns what is wrong with it.</summary>
    private static string? Read(SharedDatapath datapath, string text, out DpFlow flow)
    {
        flow = null!;
        try
        {
            flow = DpFlowParser.ParseGiven(text, datapath.Live.NumbersByName);
            return null;
        }
        catch (FlowTextTooLongException e)
        {
            return $"{e.Message}) (Argument list too long)";
        }
        catch (FlowTextException e)
        {
            return $"column {e.Column}: {e.Message}) (Invalid argument)";
        }
    }

    /// <summary>Takes the name of a flow from before its key; returns what is wrong with it.</summary>
    private static string? ReadUfid(ref string key, out Guid? ufid)
    {
        ufid = null;
        if (!key.StartsWith(UfidWord, StringComparison.Ordinal)) return null;
        int end = key.AsSpan().IndexOfAny(',', ' ');
        if (end < 0) end = key.Length;
        if (!Guid.TryParse(key.AsSpan(UfidWord.Length, end - UfidWord.Length), out Guid read)) return "parsing flow ufid (Invalid argument)";
        (ufid, key) = (read, key[end..]);
        return null;
    }

    private static bool IsSame(FlowKey a, FlowKey b) => FlowKey.Same(ref a, ref b);
}
