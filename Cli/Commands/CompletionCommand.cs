using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>completion</c>: a script for a shell, made from the program's own commands; printed, or put where the shell finds it.</summary>
public static class CompletionCommand
{
    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    /// <param name="program">Whose commands are completed: all that the command's root has when it runs.</param>
    public static Command Create(ProgramInfo program)
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong(s_shells);
        Option<bool> install = new("--install") { Description = "Put it where the shell looks in your home, instead of printing it." };
        Command command = new("completion", "Complete commands, options and values in a shell.") { shell };
        command.Options.Add(install);
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(shell);
            string script = Write(name, program.Name, CommandNode.Of(parsed.RootCommandResult.Command));
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (!parsed.GetValue(install))
            {
                output.Write(script);
                return ExitCode.Ok;
            }

            string path = PathOf(name, program.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            OutputFile.Write(path, script);
            output.WriteLine($"written  {path}");
            output.WriteLine(name == "zsh"
                ? $"In ~/.zshrc, before compinit: fpath+=({Path.GetDirectoryName(path)})"
                : $"New {name} shells complete {program.Name}.");
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The completion function of a program.</summary>
    internal static string FunctionOf(string program) => "_" + program.Replace('-', '_').Replace('.', '_');

    private static string Write(string shell, string program, CommandNode root) => shell switch
    {
        "bash" => BashCompletion.Write(program, root),
        "zsh" => ZshCompletion.Write(program, root),
        _ => FishCompletion.Write(program, root),
    };

    /// <summary>Where each shell looks for scripts of the user.</summary>
    private static string PathOf(string shell, string program) => shell switch
    {
        "bash" => Path.Combine(Home("XDG_DATA_HOME", ".local/share"), "bash-completion", "completions", program),
        "zsh" => Path.Combine(Home("XDG_DATA_HOME", ".local/share"), "zsh", "site-functions", "_" + program),
        _ => Path.Combine(Home("XDG_CONFIG_HOME", ".config"), "fish", "completions", program + ".fish"),
    };

    private static string Home(string variable, string standard)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder && Path.IsPathRooted(folder)) return folder;
        if (Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home) return Path.Combine(home, standard);
        throw new CommandFailedException(ExitCode.Failed, $"--install: neither {variable} nor HOME says where your files are");
    }
}
