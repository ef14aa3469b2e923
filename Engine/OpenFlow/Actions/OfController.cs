namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// <c>controller(..)</c> with a reason, a controller id or user data (OVS <c>OFPACT_CONTROLLER</c>): unlike <c>output:controller</c> it may not stand
/// in an action set, and a packet that has lost its MPLS labels recirculates before it.
/// </summary>
public sealed record OfController(ushort MaxLengthBytes, string Reason, ushort Id, string UserData) : OfAction;
