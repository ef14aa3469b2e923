using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>The controllers of a bridge as the database wants them (OVS <c>bridge_configure_remotes</c>).</summary>
/// <param name="name">Of the bridge.</param>
/// <param name="runFolder">Where its sockets are.</param>
/// <param name="isConfined">Sockets that the database names are in the run folder only, and those that the switch makes begin with the bridge's name: who may write to the database is not to reach other files.</param>
internal sealed class BridgeControllers(string name, string runFolder, bool isConfined)
{
    /// <summary>Those that are wanted, by target; the socket for <c>ovs-ofctl</c> is one of them.</summary>
    /// <param name="config">Of the bridge.</param>
    /// <param name="refused">Takes lines about what is left out.</param>
    public SortedDictionary<string, OfControllerSettings> Wanted(BridgeConfig config, List<string> refused)
    {
        uint versions = OfControllerSettings.VersionsOf(config.Protocols);
        int queueLength = QueueLength(config.OtherConfig) ?? new OfControllerSettings().QueueLength;
        SortedDictionary<string, OfControllerSettings> wanted = new(StringComparer.Ordinal)
        {
            [$"punix:{Path.Combine(runFolder, $"{name}.mgmt")}"] = new() { IsService = true, ProbeMs = 60_000, Versions = versions, QueueLength = queueLength },
        };
        foreach (ControllerConfig controller in config.Controllers)
        {
            if (isConfined && Outside(controller.Target) is { } why) refused.Add(why);
            else wanted.TryAdd(controller.Target, Settings(controller, versions, queueLength));
        }

        return wanted;
    }

    private static OfControllerSettings Settings(ControllerConfig controller, uint versions, int queueLength) => new()
    {
        IsService = controller.Type is { } type ? type != "primary" : IsPassive(controller.Target),
        HasAsyncMessages = controller.HasAsyncMessages,
        Versions = versions,
        MaxBackoffMs = controller.MaxBackoffMs,
        ProbeMs = controller.InactivityProbeMs,
        QueueLength = controller.QueueLength ?? queueLength,
        RateLimit = controller.RateLimit,
        BurstLimit = controller.BurstLimit,
        Dscp = controller.OtherConfig.TryGetValue("dscp", out string? text) && int.TryParse(text, out int dscp) && dscp is >= 0 and <= 63 ? dscp : OfControllerSettings.DefaultDscp,
    };

    private static int? QueueLength(IReadOnlyDictionary<string, string> config)
        => config.TryGetValue("controller-queue-size", out string? text) && int.TryParse(text, out int length) && length is > 0 and <= 512 ? length : null;

    private static bool IsPassive(string target) => target.StartsWith('p');

    private string? Outside(string target)
    {
        if (target.StartsWith("unix:", StringComparison.Ordinal))
        {
            string path = target["unix:".Length..];
            if (!path.Contains('/', StringComparison.Ordinal) || Path.GetFullPath(path).StartsWith(runFolder.TrimEnd('/') + "/", StringComparison.Ordinal)) return null;
            return $"bridge {name}: Not connecting to socket controller \"{target}\" due to possibility for remote exploit.  Instead, specify socket in permitted directory \"unix:{runFolder}/\" or connect to \"unix:{runFolder}/{name}.mgmt\" (which is always available without special configuration).";
        }

        if (!target.StartsWith("punix:", StringComparison.Ordinal)) return null;
        string allowed = $"{runFolder.TrimEnd('/')}/{name}.", file = Path.GetFullPath(target["punix:".Length..]);
        if (file.StartsWith(allowed, StringComparison.Ordinal) && !file[allowed.Length..].Contains('/', StringComparison.Ordinal)) return null;
        return $"bridge {name}: Not adding Unix domain socket controller \"{target}\" due to possibility of overwriting local files. Instead, specify path in permitted format \"punix:{allowed}*\" or connect to \"unix:{runFolder}/{name}.mgmt\" (which is always available without special configuration).";
    }
}
