namespace Mergeflow.Control.OpenFlow;

/// <summary>What has become of a controller that the switch connects to (OVS <c>struct ofproto_controller_info</c>).</summary>
/// <param name="Target">As it was written.</param>
/// <param name="IsConnected">A version has been agreed on.</param>
/// <param name="Role"><c>other</c>, <c>master</c>, <c>slave</c>; null = there is no connection.</param>
/// <param name="Pairs">Column <c>status</c>.</param>
public sealed record OfControllerStatus(string Target, bool IsConnected, string? Role, IReadOnlyDictionary<string, string> Pairs);
