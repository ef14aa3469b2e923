namespace Mergeflow.Control;

/// <summary>Where Open vSwitch's programs look for each other's files (OVS <c>lib/dirs.c</c>): the environment, or what distributions use.</summary>
public static class OvsFolders
{
    /// <summary>Sockets and pid files.</summary>
    public static string Run => Of("OVS_RUNDIR", "/var/run/openvswitch");

    /// <summary>Log files.</summary>
    public static string Log => Of("OVS_LOGDIR", "/var/log/openvswitch");

    /// <summary>A file in the run folder, unless it says where it is.</summary>
    public static string InRun(string name) => Path.IsPathRooted(name) ? name : Path.Combine(Run, name);

    /// <summary>A file in the log folder, unless it says where it is.</summary>
    public static string InLog(string name) => Path.IsPathRooted(name) ? name : Path.Combine(Log, name);

    private static string Of(string variable, string otherwise) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder ? folder : otherwise;
}
