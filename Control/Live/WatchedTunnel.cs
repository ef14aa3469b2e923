using System.Net;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control;

/// <summary>A tunnel port that was asked for, whose way is found by routes and neighbours.</summary>
/// <param name="Wanted">What it is to be; its underlay addresses are found.</param>
/// <param name="Device">Device whose addresses it has.</param>
/// <param name="Remote">Its peer; null = whichever the flow says.</param>
public sealed record WatchedTunnel(TunnelPort Wanted, string Device, IPAddress? Remote)
{
    /// <summary>The way that it takes; null = none.</summary>
    internal TunnelPort? Way { get; set; }
}
