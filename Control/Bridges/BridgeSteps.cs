namespace Mergeflow.Control.Bridges;

/// <summary>A bridge as it is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DatapathType">Its type.</param>
/// <param name="Interfaces">Those that are open.</param>
public sealed record ActualBridge(string Name, string DatapathType, IReadOnlyList<ActualInterface> Interfaces);

/// <summary>An interface as it is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What is behind it.</param>
/// <param name="Ofport">OpenFlow number.</param>
/// <param name="Options">With which it was opened.</param>
/// <param name="IsLost">Its device is gone.</param>
public sealed record ActualInterface(string Name, string Type, int Ofport, IReadOnlyDictionary<string, string> Options, bool IsLost = false);

/// <summary>Something that has to be done so that the switch is as it is wanted.</summary>
public abstract record BridgeStep(string Bridge);

/// <summary>A bridge goes, with all its ports.</summary>
public sealed record RemoveBridge(string Bridge) : BridgeStep(Bridge);

/// <summary>An interface goes.</summary>
public sealed record RemoveInterface(string Bridge, string Name) : BridgeStep(Bridge);

/// <summary>A bridge comes, without ports.</summary>
public sealed record AddBridge(BridgeConfig Config) : BridgeStep(Config.Name);

/// <summary>An interface comes.</summary>
public sealed record AddInterface(string Bridge, PortConfig Port, InterfaceConfig Config) : BridgeStep(Bridge);

/// <summary>What a bridge and its ports are told besides: it is carried out as a whole, and changes nothing that is so already.</summary>
public sealed record Configure(BridgeConfig Config) : BridgeStep(Config.Name);

/// <summary>What has to be done, from what is wanted and what is (OVS <c>bridge_reconfigure</c>): first what goes, so that names and numbers are free, then what comes. Numbers that are asked for go first.</summary>
public static class BridgeSteps
{
    /// <summary>The steps, in order.</summary>
    public static IReadOnlyList<BridgeStep> Between(SwitchConfig wanted, IReadOnlyList<ActualBridge> actual)
    {
        List<BridgeStep> goes = [], comes = [];
        Dictionary<string, BridgeConfig> bridges = wanted.Bridges.ToDictionary(static b => b.Name, StringComparer.Ordinal);
        foreach (ActualBridge bridge in actual)
        {
            if (!bridges.TryGetValue(bridge.Name, out BridgeConfig? config) || config.DatapathType != bridge.DatapathType) goes.Add(new RemoveBridge(bridge.Name));
        }

        foreach (BridgeConfig config in wanted.Bridges)
        {
            ActualBridge? bridge = actual.FirstOrDefault(a => a.Name == config.Name && a.DatapathType == config.DatapathType);
            if (bridge is null) comes.Add(new AddBridge(config));
            HashSet<string> stay = Stay(config, bridge?.Interfaces ?? []);
            goes.AddRange((bridge?.Interfaces ?? []).Where(i => !stay.Contains(i.Name)).Select(i => new RemoveInterface(config.Name, i.Name)));
            comes.AddRange(config.Ports.SelectMany(static p => p.Interfaces.Select(i => (Port: p, Interface: i))).Where(pi => !stay.Contains(pi.Interface.Name))
                .OrderBy(pi => pi.Interface.Name != config.Name).ThenBy(static pi => pi.Interface.OfportRequest is null)
                .Select(pi => new AddInterface(config.Name, pi.Port, pi.Interface)));
            comes.Add(new Configure(config));
        }

        return [.. goes, .. comes];
    }

    /// <summary>Names of the interfaces that are as they are wanted.</summary>
    private static HashSet<string> Stay(BridgeConfig config, IReadOnlyList<ActualInterface> actual)
    {
        Dictionary<string, InterfaceConfig> wanted = config.Interfaces.ToDictionary(static i => i.Name, StringComparer.Ordinal);
        Dictionary<string, ActualInterface> stay = actual.Where(i => !i.IsLost && wanted.TryGetValue(i.Name, out InterfaceConfig? c) && c.Type == i.Type && (HasOnlySoftOptions(c.Type) || SameOptions(c.Options, i.Options)))
            .ToDictionary(static i => i.Name, StringComparer.Ordinal);
        foreach (ActualInterface candidate in actual)
        {
            if (!stay.ContainsKey(candidate.Name) || candidate.Ofport == OfportAllocator.Local || wanted[candidate.Name].OfportRequest is not { } asked || asked == candidate.Ofport) continue;

            // Who has the number that is asked for gives it up, unless it has asked for it too: then nobody moves.
            ActualInterface? holder = stay.Values.FirstOrDefault(i => i.Ofport == asked);
            if (holder is not null && wanted[holder.Name].OfportRequest == asked) continue;
            stay.Remove(candidate.Name);
            if (holder is not null) stay.Remove(holder.Name);
        }

        return [.. stay.Keys];
    }

    /// <summary>A port of this type stays what it is when its options change (OVS <c>netdev_set_config</c>); those of others are part of what they are.</summary>
    private static bool HasOnlySoftOptions(string type) => type is "dummy" or "dummy-internal" or "dummy-pmd";

    private static bool SameOptions(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) => a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out string? value) && value == pair.Value);
}
