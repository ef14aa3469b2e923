using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>What is known about reasons as such.</summary>
public static class OffloadReasons
{
    /// <summary>True if the next packet of the same flow will hardly fare better: recording it would be wasted.</summary>
    public static bool IsLasting(OffloadReason reason) => reason switch
    {
        OffloadReason.IcmpWithCt or OffloadReason.ProtocolWithCt or OffloadReason.Alg => true,
        OffloadReason.UnsupportedAction or OffloadReason.UnsupportedMatch or OffloadReason.LengthDependent => true,
        OffloadReason.TraceTooDeep or OffloadReason.MegaflowFromSlowPath or OffloadReason.FunctionBits => true,
        OffloadReason.OutputRestore or OffloadReason.TemplateLimit or OffloadReason.DeviceRefused => true,
        OffloadReason.TableFull or OffloadReason.AdmissionPolicy or OffloadReason.DropOnly or OffloadReason.DeviceSuspended => true,
        _ => false,
    };
}
