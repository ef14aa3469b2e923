using System.Globalization;
using System.Text;

namespace Mergeflow.Control.Bridges;

/// <content>What people and the database are told.</content>
public sealed partial class BfdSession
{
    /// <summary>The column <c>bfd_status</c>.</summary>
    public SortedDictionary<string, string> Status(long nowMs) => new(StringComparer.Ordinal)
    {
        ["forwarding"] = IsForwarding(nowMs) ? "true" : "false",
        ["state"] = Text(State),
        ["diagnostic"] = Text(Diagnostic),
        ["flap_count"] = FlapCount.ToString(CultureInfo.InvariantCulture),
        ["remote_state"] = Text(RemoteState),
        ["remote_diagnostic"] = Text(RemoteDiagnostic),
    };

    /// <summary>As <c>bfd/show</c> prints it.</summary>
    public string Describe(long nowMs)
    {
        StringBuilder s = new();
        s.Append(CultureInfo.InvariantCulture, $"  Forwarding: {(IsForwarding(nowMs) ? "true" : "false")}\n  Detect Multiplier: {_options.Multiplier}\n");
        s.Append(CultureInfo.InvariantCulture, $"  Concatenated Path Down: {(_options.IsPathDown ? "true" : "false")}\n");
        s.Append(CultureInfo.InvariantCulture, $"  TX Interval: Approx {TxIntervalMs}ms\n  RX Interval: Approx {RxIntervalMs}ms\n");
        s.Append(CultureInfo.InvariantCulture, $"  Detect Time: now {_detectMs - nowMs:+0;-0}ms\n  Next TX Time: now {_nextTxMs - nowMs:+0;-0}ms\n  Last TX Time: now {_lastTxMs - nowMs:+0;-0}ms\n\n");
        s.Append(CultureInfo.InvariantCulture, $"  Local Flags: {Text(_flags)}\n  Local Session State: {Text(State)}\n  Local Diagnostic: {Text(Diagnostic)}\n");
        s.Append(CultureInfo.InvariantCulture, $"  Local Discriminator: 0x{Discriminator:x}\n  Local Minimum TX Interval: {OwnMinTxMs}ms\n  Local Minimum RX Interval: {_minRxMs}ms\n\n");
        s.Append(CultureInfo.InvariantCulture, $"  Remote Flags: {Text(_remoteFlags)}\n  Remote Session State: {Text(RemoteState)}\n  Remote Diagnostic: {Text(RemoteDiagnostic)}\n");
        s.Append(CultureInfo.InvariantCulture, $"  Remote Discriminator: 0x{_remoteDiscriminator:x}\n  Remote Minimum TX Interval: {_remoteMinTxMs}ms\n  Remote Minimum RX Interval: {_remoteMinRxMs}ms\n");
        s.Append(CultureInfo.InvariantCulture, $"  Remote Detect Multiplier: {_remoteMultiplier}\n");
        return s.ToString();
    }

    private static string Text(BfdState state) => state switch { BfdState.AdminDown => "admin_down", BfdState.Down => "down", BfdState.Init => "init", _ => "up" };

    private static string Text(BfdDiagnostic diagnostic) => diagnostic switch
    {
        BfdDiagnostic.None => "No Diagnostic",
        BfdDiagnostic.Expired => "Control Detection Time Expired",
        BfdDiagnostic.EchoFailed => "Echo Function Failed",
        BfdDiagnostic.RemoteDown => "Neighbor Signaled Session Down",
        BfdDiagnostic.ForwardingReset => "Forwarding Plane Reset",
        BfdDiagnostic.PathDown => "Path Down",
        BfdDiagnostic.ConcatenatedPathDown => "Concatenated Path Down",
        BfdDiagnostic.AdminDown => "Administratively Down",
        BfdDiagnostic.ReverseConcatenatedPathDown => "Reverse Concatenated Path Down",
        _ => "Invalid Diagnostic",
    };

    private static string Text(BfdFlags flags)
    {
        if (flags == BfdFlags.None) return "none";
        (BfdFlags Flag, string Name)[] names =
        [
            (BfdFlags.Multipoint, "multipoint"), (BfdFlags.Demand, "demand"), (BfdFlags.Authentication, "auth"), (BfdFlags.ControlPlane, "ctl"), (BfdFlags.Final, "final"), (BfdFlags.Poll, "poll"),
        ];
        return string.Join(' ', names.Where(n => (flags & n.Flag) != 0).Select(static n => n.Name));
    }
}
